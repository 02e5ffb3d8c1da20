// The page with the balance sheet of a campaign.

import { show } from "./balance_sheet/page.js";

frappe.provide("crm_relations").balance_sheet = { show };
