// The queue of pairs that may be the same: open pairs first, the likeliest on top.
frappe.listview_settings["Relation Duplicate"] = {
	add_fields: ["state", "title"],
	filters: [["state", "=", crm_relations.enums.DuplicateState.OPEN]],
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("DuplicateState", "state", doc),
	button: {
		show: () => true,
		get_label: () => __("Compare"),
		get_description: (doc) => __("Compare {0}", [doc.title]),
		async action(doc) {
			await frappe.require("relation_duplicate.bundle.js");
			crm_relations.duplicates.compare(doc.name, () => cur_list?.refresh());
		},
	},
	onload(list) {
		const { DIFFERENT, LATER } = crm_relations.enums.DuplicateState;
		for (const state of [DIFFERENT, LATER]) {
			list.page.add_actions_menu_item(
				__(state),
				async () => {
					await frappe.require("relation_duplicate.bundle.js");
					for (const name of list.get_checked_items(true)) {
						await crm_relations.duplicates.decide(name, state);
					}
					list.clear_checked_items();
					list.refresh();
				},
				false,
			);
		}
		crm_relations.lists.add_job(
			list,
			__("Search All Relations"),
			"crm_relations.relations.merging.api.start_search",
		);
	},
};
