// The page of a document flow.

import { show } from "./chain/page.js";

frappe.provide("crm_relations").process_chain = { show };
