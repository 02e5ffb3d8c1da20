// Campaign Comparison: a campaign opens its form, a number of persons its members, an amount its statement.
frappe.query_reports["Campaign Comparison"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
			reqd: 1,
		},
		{ fieldname: "from_date", label: __("From Date"), fieldtype: "Date" },
		{
			fieldname: "to_date",
			label: __("To Date"),
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
			fieldname: "status",
			label: __("Status"),
			fieldtype: "Select",
			options: ["", "Draft", "Approved", "Running", "Paused", "Done"],
		},
		{
			fieldname: "salesperson",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{
			fieldname: "members_of",
			label: __("Invoices of Members of"),
			fieldtype: "Link",
			options: "Relation Segment",
		},
	],
	formatter(value, row, column, data, default_formatter) {
		const shown = default_formatter(value, row, column, data);
		if (!data?.is_campaign) return data?.bold ? `<b>${shown}</b>` : shown;
		const link = (address) => `<a href="${address}">${shown}</a>`;
		if (column.fieldname === "campaign") {
			return link(frappe.utils.get_form_link("Relation Campaign", data.campaign));
		}
		const states = { qualified: "Qualified", won: "Won" };
		if (["members", "qualified", "won"].includes(column.fieldname) && value) {
			const asked = new URLSearchParams({ campaign: data.campaign, held_out: 0 });
			if (states[column.fieldname]) {
				const reached = ["Qualified", "Handed Over", "Won"];
				asked.set(
					"status",
					column.fieldname === "won" ? "Won" : JSON.stringify(["in", reached]),
				);
			}
			return link(`/app/relation-campaign-member?${asked}`);
		}
		if (["revenue", "margin", "receivable_open", "cash_received"].includes(column.fieldname)) {
			const filter = (name) => frappe.query_report.get_filter_value(name) || "";
			const asked = new URLSearchParams({
				company: filter("company"),
				from_date: filter("from_date"),
				to_date: filter("to_date"),
				campaigns: JSON.stringify([data.campaign]),
			});
			return link(`/app/query-report/Campaign Statement?${asked}`);
		}
		return shown;
	},
};
