// Copyright (c) 2026, the crm_relations contributors
// License: GPL-3.0. See license.txt

frappe.listview_settings["Relation Campaign"] = {
	hide_name_column: true,
	get_indicator(doc) {
		const color = {
			Draft: "gray",
			Approved: "purple",
			Running: "green",
			Paused: "orange",
			Done: "blue",
		}[doc.status];
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
