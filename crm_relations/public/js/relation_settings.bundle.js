// The settings.

import "./settings/form.js";
