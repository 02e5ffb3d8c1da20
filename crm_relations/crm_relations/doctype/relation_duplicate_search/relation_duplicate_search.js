// Where the search over all relations stands.
frappe.ui.form.on("Relation Duplicate Search", {
	refresh(frm) {
		frm.disable_save();
		frm.add_custom_button(__("Search All Relations"), async () => {
			frappe.show_alert(
				frappe.utils.escape_html(
					await frappe.xcall("crm_relations.relations.merging.api.start_search"),
				),
			);
		});
		frm.add_custom_button(__("Found Pairs"), () =>
			frappe.set_route("List", "Relation Duplicate"),
		);
	},
});
