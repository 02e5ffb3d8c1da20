// Copyright (c) 2026, the crm_relations contributors
// License: GPL-3.0. See license.txt

frappe.listview_settings["Relation Campaign Member"] = {
	add_fields: ["status"],
	hide_name_column: true,
	get_indicator(doc) {
		const color = {
			Addressed: "gray",
			"Control Group": "light-gray",
			Answered: "blue",
			Qualified: "purple",
			"Handed Over": "orange",
			Won: "green",
			Declined: "red",
		}[doc.status];
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
