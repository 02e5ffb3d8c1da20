// Consent events: given or withdrawn, for which address.
frappe.listview_settings["Relation Consent"] = {
	add_fields: ["event"],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("ConsentEvent", "event", doc),
};
