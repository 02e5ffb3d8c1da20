// The queue of pairs that are perhaps one: what is open comes first, the likeliest on top.
frappe.listview_settings["Relation Duplicate"] = {
	add_fields: ["state", "title"],
	filters: [["state", "=", "Open"]],
	hide_name_column: true,
	get_indicator(doc) {
		const colors = { Open: "orange", Same: "blue", Different: "gray", Later: "yellow" };
		return [__(doc.state), colors[doc.state], `state,=,${doc.state}`];
	},
	button: {
		show: () => true,
		get_label: () => __("Compare"),
		get_description: (doc) => __("Compare {0}", [doc.title]),
		action: (doc) => crm_relations.duplicates.compare(doc.name, () => cur_list?.refresh()),
	},
	onload(list) {
		for (const state of ["Different", "Later"]) {
			list.page.add_actions_menu_item(
				__(state),
				async () => {
					for (const name of list.get_checked_items(true)) {
						await crm_relations.duplicates.decide(name, state);
					}
					list.clear_checked_items();
					list.refresh();
				},
				false,
			);
		}
		if (frappe.user.has_role(["System Manager", "Relation Manager"])) {
			list.page.add_inner_button(__("Search All Relations"), async () => {
				frappe.show_alert(
					frappe.utils.escape_html(
						await frappe.xcall("crm_relations.relations.duplicates.api.start_search"),
					),
				);
			});
		}
	},
};
