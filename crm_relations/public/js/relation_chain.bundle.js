// The page of a process chain.

import { show } from "./chain/page.js";

frappe.provide("crm_relations").process_chain = { show };
