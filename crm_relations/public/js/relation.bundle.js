// The customer file. Each part registers its own events; the order is that of the buttons.

import "./relation/form.js";
import "./relation/timeline.js";
import "./relation/graph.js";
import "./relation/profile.js";
import "./relation/identity.js";
import "./relation/duplicates.js";
import "./relation/playbook.js";
import "./relation/facts.js";
import "./relation/consent.js";
import "./relation/segments.js";
