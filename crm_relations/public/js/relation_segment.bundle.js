// The form of a segment.

import "./segment/form.js";
import "./segment/explain_button.js";
