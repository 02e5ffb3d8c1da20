// The latest merge comes first.
frappe.listview_settings["Relation Merge"] = {
	add_fields: ["state"],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("MergeState", "state", doc),
};
