// The list of relations: the stage as indicator, and the job that makes relations of existing records.
frappe.listview_settings["Relation"] = {
	add_fields: ["stage", "relation_kind", "disabled"],
	hide_name_column: true,
	get_indicator(doc) {
		if (doc.disabled) return [__("Disabled"), "gray", "disabled,=,1"];
		if (!doc.stage) return [__("Contact"), "gray", "stage,is,not set"];
		return crm_relations.lists.indicator("Stage", "stage", doc);
	},
	onload(list) {
		crm_relations.lists.add_job(
			list,
			__("Create Relations from Existing Records"),
			"crm_relations.relations.api.start_sync",
		);
	},
};
