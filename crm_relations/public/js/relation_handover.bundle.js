// The handover from marketing to sales.

import "./handover/form.js";
