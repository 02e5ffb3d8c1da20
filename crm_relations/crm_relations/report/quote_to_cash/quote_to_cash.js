// Quote to Cash: documents open their forms, the last column the process chain of the deal.
(() => {
	const { cells, filters } = crm_relations.reports;
	const DAYS = ["to_order", "to_delivery", "to_invoice", "to_cash", "in_all"];

	frappe.query_reports["Quote to Cash"] = {
		filters: [
			filters.company(),
			filters.from_date({
				label: __("Begun from"),
				default: frappe.datetime.add_months(frappe.datetime.get_today(), -12),
				reqd: 1,
			}),
			filters.to_date({ label: __("Begun until") }),
			filters.campaigns(),
			{
				fieldname: "station",
				label: __("Last Document"),
				fieldtype: "Select",
				options: [
					"",
					{ value: "quoted", label: __("Quoted") },
					{ value: "ordered", label: __("Ordered") },
					{ value: "delivered", label: __("Goods Delivered") },
					{ value: "invoiced_on", label: __("Invoiced") },
					{ value: "paid", label: __("Paid") },
				],
			},
		],
		formatter(value, row, column, data, default_formatter) {
			const { fieldname } = column;
			const is_days = DAYS.includes(fieldname);
			if (data?.bold && is_days && value != null) {
				const digits = Number.isInteger(value) ? 0 : 1;
				return cells.bold(format_number(value, null, digits));
			}
			// a number field shows an empty value as 0, but "not there yet" is not "after no day"
			if ((fieldname === "invoices" || is_days) && value == null) return "";
			const shown = default_formatter(value, row, column, data);
			if (fieldname === "chain" && data?.chain) {
				const route = `process-chain/${encodeURIComponent(data.chain_doctype)}`;
				return cells.page_link(route, data.chain, {}, __("Document Flow"));
			}
			return data?.bold ? cells.bold(shown) : shown;
		},
	};
})();
