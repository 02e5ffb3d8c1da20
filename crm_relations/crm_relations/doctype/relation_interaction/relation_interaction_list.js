// Interactions by outcome; without one, by kind.
frappe.listview_settings["Relation Interaction"] = {
	add_fields: ["kind", "outcome"],
	hide_name_column: true,
	get_indicator: (doc) =>
		doc.outcome
			? crm_relations.lists.indicator("InteractionOutcome", "outcome", doc)
			: crm_relations.lists.indicator("InteractionKind", "kind", doc),
};
