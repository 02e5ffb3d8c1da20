// Members by status.
frappe.listview_settings["Relation Campaign Member"] = {
	add_fields: ["status"],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("MemberStatus", "status", doc),
};
