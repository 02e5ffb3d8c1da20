// Pipeline to Ledger: documents open their forms, the last column the process chain of the deal.
frappe.query_reports["Pipeline to Ledger"] = {
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
			fieldname: "from_date",
			label: __("Begun from"),
			fieldtype: "Date",
			default: frappe.datetime.add_months(frappe.datetime.get_today(), -12),
			reqd: 1,
		},
		{
			fieldname: "to_date",
			label: __("Begun until"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "campaigns",
			label: __("Campaigns"),
			fieldtype: "MultiSelectList",
			get_data: (text) => frappe.db.get_link_options("Relation Campaign", text),
		},
		{
			fieldname: "station",
			label: __("Furthest Station"),
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
		const days = ["to_order", "to_delivery", "to_invoice", "to_cash", "in_all"];
		if (data?.bold && days.includes(column.fieldname) && value != null) {
			return `<b>${format_number(value, null, Number.isInteger(value) ? 0 : 1)}</b>`;
		}
		// a number field shows what is empty as 0: no day has passed is not the same as not there yet
		if (["invoices", ...days].includes(column.fieldname) && value == null) return "";
		const shown = default_formatter(value, row, column, data);
		if (column.fieldname === "chain" && data?.chain) {
			const address = [data.chain_doctype, data.chain].map(encodeURIComponent).join("/");
			return `<a href="/app/process-chain/${address}">${__("Process Chain")}</a>`;
		}
		return data?.bold ? `<b>${shown}</b>` : shown;
	},
};
