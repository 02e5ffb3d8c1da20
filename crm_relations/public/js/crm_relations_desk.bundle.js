// The part of this app that every page of the desk loads: what lists need before their first request, the filters of
// reports, and what the short scripts of forms call. Everything else is loaded with its screen.

import * as enums from "./lib/enums.js";
import { extend_lists } from "./lists/extend.js";
import { indicator } from "./lists/indicators.js";
import { add_job } from "./lists/jobs.js";
import { show_segment } from "./lists/segment_filter.js";
import * as cells from "./reports/cells.js";
import * as filters from "./reports/filters.js";

Object.assign(frappe.provide("crm_relations"), {
	enums,
	lists: { extend: extend_lists, indicator, add_job, show_segment },
	reports: { cells, filters },
});
