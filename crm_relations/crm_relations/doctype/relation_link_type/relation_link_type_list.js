// Types of relationships in the user's language, read in both directions.
frappe.listview_settings["Relation Link Type"] = {
	hide_name_column: true,
	formatters: {
		link_type: (type) => frappe.utils.escape_html(__(type)),
		reverse_label: (label) => frappe.utils.escape_html(__(label)),
	},
};
