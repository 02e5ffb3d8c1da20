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
		const esc = frappe.utils.escape_html;
		const drill = (campaign, account) =>
			`<a data-drill data-campaign="${esc(campaign)}" data-account="${esc(account)}" data-company="${esc(
				data.company || frappe.query_report.get_filter_value("company") || "",
			)}" onclick="frappe.query_reports['Campaign Statement'].show_vouchers(this.dataset)">${shown}</a>`;
		if (column.fieldname === "campaign" && data.account) {
			return drill(data.of_campaign, data.account);
		}
		if (column.fieldname === "campaign_cost" && value && (data.is_campaign || data.of_campaign)) {
			const several = frappe.query_report.get_filter_value("consolidated");
			if (!several || data.of_campaign) return drill(data.of_campaign || data.campaign, "");
		}
		if (data.is_difference && column.fieldname === "revenue") {
			return `<b style="color: var(--text-on-${value ? "red" : "green"})">${shown}</b>`;
		}
		return data.bold ? `<b>${shown}</b>` : shown;
	},
};

// the vouchers behind a row: what the campaign has of each
frappe.query_reports["Campaign Statement"].show_vouchers = async ({ campaign, account, company }) => {
	const esc = frappe.utils.escape_html;
	const filter = (name) => frappe.query_report.get_filter_value(name) || null;
	const vouchers = await frappe.xcall("crm_relations.ledger.api.vouchers_of_row", {
		campaign,
		company,
		account: account || null,
		from_date: filter("from_date"),
		to_date: filter("to_date"),
		salesperson: filter("salesperson"),
		segment: filter("members_of"),
	});
	const currency = frappe.get_doc(":Company", company)?.default_currency;
	const number = (value) =>
		`<td class="text-right text-nowrap">${format_currency(Number(value), currency)}</td>`;
	const sum = vouchers.reduce((total, row) => total + Math.round(100 * row.amount), 0) / 100;
	const rows = vouchers.map(
		(row) => `<tr><td class="text-nowrap">${frappe.datetime.str_to_user(row.date)}</td>
			<td>${esc(__(row.voucher_type))}</td>
			<td><a href="${frappe.utils.get_form_link(row.voucher_type, row.voucher_no)}">${esc(
				row.voucher_no,
			)}</a></td>${number(row.amount)}</tr>`,
	);
	const asked = new URLSearchParams({
		company,
		account: account || "",
		from_date: filter("from_date") || "",
		to_date: filter("to_date") || "",
	});
	frappe.msgprint({
		title: esc(account || __("Campaign Cost")),
		wide: true,
		message: `<p>${__("What {0} has of each voucher: debit less credit.", [
			`<b>${esc(campaign)}</b>`,
		])}</p><table class="table table-sm" data-vouchers><tbody>${rows.join("")}
			<tr><th colspan="3">${__("Sum")}</th>${number(sum)}</tr></tbody></table>
			${
				account
					? `<a href="/app/query-report/General Ledger?${asked}">${__(
							"The whole account in the General Ledger",
					  )}</a>`
					: ""
			}`,
	});
};

// the campaigns that the report shows: those asked for, or all
function campaigns_shown(report) {
	if (!report.get_filter_value("segment")) return report.get_filter_value("campaigns") || [];
	return (report.data || []).filter((row) => row.is_campaign).map((row) => row.campaign);
}
