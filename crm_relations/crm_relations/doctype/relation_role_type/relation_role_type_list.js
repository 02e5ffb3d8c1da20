// Roles in the user's language; the name of a role stays what documents and segments refer to.
frappe.listview_settings["Relation Role Type"] = {
	formatters: {
		name: (role) => frappe.utils.escape_html(__(role)),
		role_name: (role) => frappe.utils.escape_html(__(role)),
	},
};
