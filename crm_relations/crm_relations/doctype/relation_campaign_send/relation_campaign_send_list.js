// Messages, calls and letters of campaigns by state.
frappe.listview_settings["Relation Campaign Send"] = {
	add_fields: ["state"],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("SendState", "state", doc),
};
