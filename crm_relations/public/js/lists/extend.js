// What this app adds to lists, its own and those of ERPNext. The settings of the list's own script stay.

import { add_exchange_menu } from "./exchange_menu.js";
import { make_segment } from "./make_segment.js";
import { SegmentFilter } from "./segment_filter.js";

const PARTIES = ["Customer", "Contact", "Lead", "Prospect", "Supplier", "Employee"];
const SALES = ["Sales Invoice", "Sales Order", "Delivery Note"];
const NARROWED = ["Relation", ...PARTIES, ...SALES];

function add_segments(list, doctype) {
	if (!frappe.model.can_read("Relation Segment") || list.segment_filter) return;
	if (NARROWED.includes(doctype)) list.segment_filter = new SegmentFilter(list);
	if (!frappe.model.can_create("Relation Segment")) return;
	const label = __("Create Segment from These");
	list.page.add_actions_menu_item(label, () => make_segment(list), false);
	list.page.add_menu_item(label, () => make_segment(list));
}

function extend(doctype) {
	const settings = (frappe.listview_settings[doctype] ||= {});
	if (settings.extended_by_relations) return;
	settings.extended_by_relations = true;
	const { onload } = settings;
	settings.onload = function (list) {
		onload?.call(this, list);
		if (doctype === "Relation") add_exchange_menu(list);
		add_segments(list, doctype);
	};
}

/** Extend the settings of all lists concerned. Called after the own script of each list, which replaces them. */
export const extend_lists = () => [...NARROWED, "Item"].forEach(extend);
