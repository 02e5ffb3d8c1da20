// Receivables by Campaign and Segment: the difference is red unless it is 0.00; a voucher opens its form.
(() => {
	const { cells, filters } = crm_relations.reports;

	/** Return what a click on the name of a row leads to, if anything. */
	function linked_name({ voucher_type, voucher_no, campaign, segment }, shown) {
		if (voucher_no) return cells.document_link(voucher_type, voucher_no, shown);
		if (campaign) {
			const asked = {
				...cells.chosen("company", "to_date"),
				campaigns: JSON.stringify([campaign]),
			};
			return cells.report_link("Campaign Statement", asked, shown);
		}
		return segment && cells.document_link("Relation Segment", segment, cells.bold(shown));
	}

	frappe.query_reports["Receivables by Campaign and Segment"] = {
		tree: true,
		name_field: "name",
		parent_field: "parent_name",
		initial_depth: 2,
		filters: [
			filters.company(),
			filters.to_date({ label: __("On") }),
			{
				fieldname: "group_by",
				label: __("Group by"),
				fieldtype: "Select",
				options: ["Segment", "Campaign"],
				default: "Segment",
			},
			filters.segment(),
			{ fieldname: "vouchers", label: __("With Vouchers"), fieldtype: "Check" },
		],
		formatter(value, row, column, data, default_formatter) {
			const shown = default_formatter(value, row, column, data);
			if (!data) return shown;
			const linked = column.fieldname === "name" && linked_name(data, shown);
			if (linked) return linked;
			if (data.is_difference && column.fieldname === "open") {
				return cells.difference(value, shown);
			}
			return data.bold ? cells.bold(shown) : shown;
		},
	};
})();
