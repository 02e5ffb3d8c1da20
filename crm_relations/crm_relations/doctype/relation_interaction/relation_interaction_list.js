// Interactions by outcome.
frappe.listview_settings["Relation Interaction"] = {
	add_fields: ["kind", "outcome"],
	hide_name_column: true,
	get_indicator(doc) {
		if (!doc.outcome) return [__(doc.kind), "gray", `kind,=,${doc.kind}`];
		const color = {
			Successful: "green",
			Solved: "green",
			"No Answer": "gray",
			"Call Back": "orange",
			Open: "orange",
			Refused: "red",
		}[doc.outcome];
		return [__(doc.outcome), color, `outcome,=,${doc.outcome}`];
	},
};
