frappe.listview_settings["Relation Qualification Scheme"] = { hide_name_column: true };
