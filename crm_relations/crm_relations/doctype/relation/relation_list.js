frappe.listview_settings["Relation"] = {
	add_fields: ["stage", "relation_kind", "disabled"],
	hide_name_column: true,
	get_indicator(doc) {
		if (doc.disabled) return [__("Disabled"), "gray", "disabled,=,1"];
		const colors = { Lead: "blue", Prospect: "orange", Customer: "green" };
		return doc.stage
			? [__(doc.stage), colors[doc.stage] || "gray", `stage,=,${doc.stage}`]
			: [__("Contact"), "gray", "stage,is,not set"];
	},
	onload(list) {
		if (frappe.user.has_role(["System Manager", "Relation Manager"])) {
			list.page.add_inner_button(__("Adopt the Whole Site"), async () =>
				frappe.show_alert(
					frappe.utils.escape_html(
						await frappe.xcall("crm_relations.relations.api.start_sync"),
					),
				),
			);
		}
	},
};
