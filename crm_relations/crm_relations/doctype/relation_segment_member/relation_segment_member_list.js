// Who is in a segment, and since when.
frappe.listview_settings["Relation Segment Member"] = {
	add_fields: ["left_on"],
	hide_name_column: true,
	get_indicator(doc) {
		return doc.left_on
			? [__("Left"), "gray", "left_on,is,set"]
			: [__("Member"), "green", "left_on,is,not set"];
	},
};
