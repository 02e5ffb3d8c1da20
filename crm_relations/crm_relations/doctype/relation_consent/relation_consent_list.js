// Consent events: given or withdrawn, for which address.
frappe.listview_settings["Relation Consent"] = {
	add_fields: ["event"],
	hide_name_column: true,
	get_indicator(doc) {
		const color = { Given: "green", Withdrawn: "red" }[doc.event];
		return [__(doc.event), color || "gray", `event,=,${doc.event}`];
	},
};
