// The work queue of sales: proposed handovers come first, without a filter set by hand.
frappe.listview_settings["Relation Handover"] = {
	add_fields: ["status", "points"],
	filters: [["status", "=", crm_relations.enums.HandoverStatus.PROPOSED]],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("HandoverStatus", "status", doc),
};
