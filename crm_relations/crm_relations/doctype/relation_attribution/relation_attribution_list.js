// Lines of vouchers that campaigns earned.
frappe.listview_settings["Relation Attribution"] = { hide_name_column: true };
