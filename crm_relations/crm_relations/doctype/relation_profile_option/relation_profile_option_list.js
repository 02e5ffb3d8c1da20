// The options in the user's language; what the admin adds stays as it was typed.
frappe.listview_settings["Relation Profile Option"] = {
	hide_name_column: true,
	formatters: {
		option_value: (option) => frappe.utils.escape_html(__(option)),
	},
};
