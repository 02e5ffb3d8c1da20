// The work queue of sales: what is proposed comes first, without a filter set by hand.
frappe.listview_settings["Relation Handover"] = {
	add_fields: ["status", "points"],
	filters: [["status", "=", "Proposed"]],
	hide_name_column: true,
	get_indicator(doc) {
		const color = { Proposed: "orange", Accepted: "green", Returned: "red" }[doc.status];
		return [__(doc.status), color, `status,=,${doc.status}`];
	},
};
