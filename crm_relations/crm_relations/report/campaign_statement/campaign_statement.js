// Campaign Statement: the difference is red unless it is 0.00; an account opens the General Ledger.
frappe.query_reports["Campaign Statement"] = {
	tree: true,
	name_field: "campaign",
	parent_field: "parent_campaign",
	initial_depth: 1,
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
			fieldname: "salesperson",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{
			fieldname: "segment",
			label: __("Campaigns for Segment"),
			fieldtype: "Link",
			options: "Relation Segment",
		},
		{
			fieldname: "members_of",
			label: __("Invoices of Members of"),
			fieldtype: "Link",
			options: "Relation Segment",
		},
		{
			fieldname: "consolidated",
			label: __("With Companies below"),
			fieldtype: "Check",
		},
		{
			fieldname: "presentation_currency",
			label: __("Presentation Currency"),
			fieldtype: "Link",
			options: "Currency",
			depends_on: "consolidated",
		},
	],
	onload(report) {
		const print = (language) => () => {
			const { segment, members_of, presentation_currency, ...values } = report.get_values();
			const asked = {
				...values,
				campaigns: JSON.stringify(campaigns_shown(report)),
				segment: members_of || "",
				currency: presentation_currency || "",
				language,
			};
			for (const key of Object.keys(asked)) if (!asked[key]) delete asked[key];
			window.open(
				frappe.urllib.get_full_url(
					`/api/method/crm_relations.ledger.api.statement_pdf?${new URLSearchParams(asked)}`,
				),
			);
		};
		report.page.add_inner_button(__("in German"), print("de"), __("Print as PDF"));
		report.page.add_inner_button(__("in English"), print("en"), __("Print as PDF"));
	},
	formatter(value, row, column, data, default_formatter) {
		const shown = default_formatter(value, row, column, data);
		if (!data) return shown;
		if (column.fieldname === "campaign" && data.account) {
			const filters = {
				company: data.company,
				account: data.account,
				from_date: frappe.query_report.get_filter_value("from_date") || "",
				to_date: frappe.query_report.get_filter_value("to_date"),
			};
			return `<a href="/app/query-report/General Ledger?${new URLSearchParams(
				filters,
			)}">${shown}</a>`;
		}
		if (column.fieldname === "campaign" && data.is_campaign) {
			const asked = {
				company: data.company || frappe.query_report.get_filter_value("company"),
				to_date: frappe.query_report.get_filter_value("to_date"),
			};
			const name = encodeURIComponent(data.campaign);
			return `<a href="/app/campaign-balance-sheet/${name}?${new URLSearchParams(asked)}" title="${__(
				"Balance Sheet",
			)}">${shown}</a>`;
		}
		if (data.is_difference && column.fieldname === "revenue") {
			return `<b style="color: var(--text-on-${value ? "red" : "green"})">${shown}</b>`;
		}
		return data.bold ? `<b>${shown}</b>` : shown;
	},
};

// the campaigns that the report shows: those asked for, or all
function campaigns_shown(report) {
	if (!report.get_filter_value("segment")) return report.get_filter_value("campaigns") || [];
	return (report.data || []).filter((row) => row.is_campaign).map((row) => row.campaign);
}
