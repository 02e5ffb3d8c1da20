// Campaign Statement: the difference is red unless it is 0.00; an account opens the vouchers behind it.
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
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: erpnext.utils.get_fiscal_year(frappe.datetime.get_today(), true)?.[1],
		},
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
		{
			fieldname: "by_account",
			label: __("Ledger by Account"),
			fieldtype: "Check",
		},
	],
	onload(report) {
		const print = (language) => () => {
			const { segment, members_of, presentation_currency, by_account, ...values } =
				report.get_values();
			const asked = {
				...values,
				campaigns: JSON.stringify(values.campaigns || []),
				addressed_segment: segment || "",
				segment: members_of || "",
				currency: presentation_currency || "",
				language,
			};
			for (const key of Object.keys(asked)) if (!asked[key]) delete asked[key];
			window.open(
				frappe.urllib.get_full_url(
					`/api/method/crm_relations.ledger.api.statement_pdf?${new URLSearchParams(
						asked,
					)}`,
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
		const company = data.company || frappe.query_report.get_filter_value("company") || "";
		const several = frappe.query_report.get_filter_value("consolidated");
		const drill = (asked) =>
			`<a data-drill="${esc(JSON.stringify({ company, ...asked }))}"
				onclick="frappe.query_reports['Campaign Statement'].show_vouchers(this)">${shown}</a>`;
		if (column.fieldname === "campaign" && data.account) {
			return drill({ campaign: data.of_campaign, account: data.account });
		}
		if (column.fieldname === "campaign_cost" && value && (data.of_campaign || !several)) {
			const campaign = data.of_campaign || (data.is_campaign && data.campaign);
			if (campaign) return drill({ campaign });
		}
		if (column.fieldname === "campaign" && !several) {
			if (data.closing === "not_attributed") return drill({});
			if (data.closing === "not_in_selection") return drill({ outside: 1 });
		}
		if (column.fieldname === "campaign" && data.is_campaign) {
			const asked = { company, to_date: frappe.query_report.get_filter_value("to_date") };
			const name = encodeURIComponent(data.campaign);
			return `<a href="/app/campaign-balance-sheet/${name}?${new URLSearchParams(
				asked,
			)}" title="${__("Balance Sheet")}">${shown}</a>`;
		}
		if (column.fieldname === "campaign" && data.ledger_account) {
			const asked = { company, account: data.ledger_account };
			for (const name of ["from_date", "to_date"])
				asked[name] = frappe.query_report.get_filter_value(name) || "";
			return `<a href="/app/query-report/General Ledger?${new URLSearchParams(
				asked,
			)}">${shown}</a>`;
		}
		if (column.fieldname === (data.is_difference ? "revenue" : "difference")) {
			return `<b style="color: var(--text-on-${value ? "red" : "green"})">${shown}</b>`;
		}
		return data.bold ? `<b>${shown}</b>` : shown;
	},
};

// the vouchers behind a row: what the campaign has of each, or the income that no campaign has
frappe.query_reports["Campaign Statement"].show_vouchers = async (link) => {
	const row = JSON.parse(link.dataset.drill);
	const esc = frappe.utils.escape_html;
	const filter = (name) => frappe.query_report.get_filter_value(name) || null;
	const answer = await frappe.xcall("crm_relations.ledger.api.vouchers_of_row", {
		...row,
		from_date: filter("from_date"),
		to_date: filter("to_date"),
		salesperson: filter("salesperson"),
		segment: filter("members_of"),
	});
	const currency = frappe.get_doc(":Company", row.company)?.default_currency;
	const number = (value) =>
		`<td class="text-right text-nowrap">${format_currency(Number(value), currency)}</td>`;
	const vouchers = answer.vouchers.map(
		(voucher) => `<tr><td class="text-nowrap">${frappe.datetime.str_to_user(voucher.date)}</td>
			<td>${esc(__(voucher.voucher_type))}</td>
			<td><a href="${frappe.utils.get_form_link(voucher.voucher_type, voucher.voucher_no)}">${esc(
			voucher.voucher_no,
		)}</a></td>${number(voucher.amount)}</tr>`,
	);
	const asked = new URLSearchParams({
		company: row.company,
		account: row.account || "",
		from_date: filter("from_date") || "",
		to_date: filter("to_date") || "",
	});
	const what = row.campaign
		? __("What {0} has of each voucher: debit less credit.", [`<b>${esc(row.campaign)}</b>`])
		: __("Income of each voucher that no campaign has: credit less debit.");
	const left_out = answer.number - answer.vouchers.length;
	frappe.msgprint({
		title: esc(row.account || (row.campaign ? __("Campaign Cost") : link.innerText)),
		wide: true,
		message: `<p>${what} ${
			left_out
				? __("The newest {0} of {1}.", [answer.vouchers.length, cint(answer.number)])
				: ""
		}</p><table class="table table-sm" data-vouchers><tbody>${vouchers.join("")}
			<tr><th colspan="3">${__("Sum")}</th>${number(answer.sum)}</tr></tbody></table>
			${
				row.account
					? `<a href="/app/query-report/General Ledger?${asked}">${__(
							"The whole account in the General Ledger",
					  )}</a>`
					: ""
			}`,
	});
};
