// Receivables by Campaign and Segment: the difference is red unless it is 0.00; a voucher opens its form.
frappe.query_reports["Receivables by Campaign and Segment"] = {
	tree: true,
	name_field: "name",
	parent_field: "parent_name",
	initial_depth: 2,
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
			reqd: 1,
		},
		{
			fieldname: "to_date",
			label: __("On"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "group_by",
			label: __("Group by"),
			fieldtype: "Select",
			options: ["Segment", "Campaign"],
			default: "Segment",
		},
		{
			fieldname: "members_of",
			label: __("Invoices of Members of"),
			fieldtype: "Link",
			options: "Relation Segment",
		},
		{ fieldname: "vouchers", label: __("With Vouchers"), fieldtype: "Check" },
	],
	formatter(value, row, column, data, default_formatter) {
		const shown = default_formatter(value, row, column, data);
		if (!data) return shown;
		if (column.fieldname === "name") {
			if (data.voucher_no) {
				return `<a href="${frappe.utils.get_form_link(
					data.voucher_type,
					data.voucher_no,
				)}">${shown}</a>`;
			}
			if (data.campaign) {
				const asked = new URLSearchParams({
					company: frappe.query_report.get_filter_value("company"),
					to_date: frappe.query_report.get_filter_value("to_date"),
					campaigns: JSON.stringify([data.campaign]),
				});
				return `<a href="/app/query-report/Campaign Statement?${asked}">${shown}</a>`;
			}
			if (data.segment) {
				return `<a href="${frappe.utils.get_form_link(
					"Relation Segment",
					data.segment,
				)}"><b>${shown}</b></a>`;
			}
		}
		if (data.is_difference && column.fieldname === "open") {
			return `<b style="color: var(--text-on-${value ? "red" : "green"})">${shown}</b>`;
		}
		return data.bold ? `<b>${shown}</b>` : shown;
	},
};
