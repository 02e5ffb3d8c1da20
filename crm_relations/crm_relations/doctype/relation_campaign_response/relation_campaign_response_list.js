// What came back; only calls have an answer in words.
frappe.listview_settings["Relation Campaign Response"] = {
	hide_name_column: true,
	formatters: {
		answer: (answer) => (answer ? frappe.utils.escape_html(__(answer)) : ""),
	},
};
