// The campaigns on the form of a sales invoice.

import { show_campaigns } from "./invoice/campaigns.js";

frappe.provide("crm_relations").invoice = { show_campaigns };
