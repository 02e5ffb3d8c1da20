// The import of relations.

import "./import/form.js";
