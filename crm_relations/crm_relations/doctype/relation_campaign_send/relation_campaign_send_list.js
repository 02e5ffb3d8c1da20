// Copyright (c) 2026, the crm_relations contributors
// License: GPL-3.0. See license.txt

frappe.listview_settings["Relation Campaign Send"] = {
	add_fields: ["state"],
	hide_name_column: true,
	get_indicator(doc) {
		const color = {
			Pending: "gray",
			Sending: "blue",
			Sent: "green",
			Done: "green",
			Failed: "red",
			Uncertain: "yellow",
			Suppressed: "orange",
		}[doc.state];
		return [__(doc.state), color, `state,=,${doc.state}`];
	},
};
