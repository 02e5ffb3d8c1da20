frappe.listview_settings["Relation Segment"] = {
	add_fields: ["disabled", "kind", "member_count", "last_refreshed"],
	hide_name_column: true,

	get_indicator(doc) {
		if (doc.disabled) return [__("Disabled"), "gray", "disabled,=,1"];
		if (!doc.last_refreshed)
			return [__("Not refreshed yet"), "orange", "last_refreshed,is,not set"];
		return [__("Ready"), "green", "disabled,=,0"];
	},
};
