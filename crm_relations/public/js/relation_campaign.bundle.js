// The form of a campaign. Each part registers its own events; the order is that of the buttons.

import "./campaign/form.js";
import "./campaign/preview.js";
import "./campaign/answers_import.js";
import "./campaign/balance_sheet_button.js";
