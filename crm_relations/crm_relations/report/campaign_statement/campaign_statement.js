// Campaign Statement: the difference is red unless it is 0.00; an account opens the vouchers behind it.
(() => {
	const { cells, filters } = crm_relations.reports;
	const with_bundle = (action) =>
		frappe.require("relation_statement.bundle.js").then(() => action(crm_relations.statement));

	/** Link a cell to the vouchers behind its row. */
	function drill(row, shown) {
		const text = frappe.utils.escape_html(JSON.stringify(row));
		const shown_html = shown; // the formatter of Frappe made it
		return `<a data-drill="${text}"
			onclick="frappe.query_reports['Campaign Statement'].show_vouchers(this)">${shown_html}</a>`;
	}

	/** Return what a click on the name of a row leads to, if anything. */
	function linked_name(data, company, several, shown) {
		if (data.account) {
			return drill({ company, campaign: data.of_campaign, account: data.account }, shown);
		}
		if (data.closing === "not_attributed" && !several) return drill({ company }, shown);
		if (data.closing === "not_in_selection" && !several) {
			return drill({ company, outside: 1 }, shown);
		}
		if (data.is_campaign) {
			const asked = { company, ...cells.chosen("to_date") };
			return cells.page_link("campaign-balance-sheet", data.campaign, asked, shown);
		}
		if (data.ledger_account) {
			const asked = {
				company,
				account: data.ledger_account,
				...cells.chosen("from_date", "to_date"),
			};
			return cells.report_link("General Ledger", asked, shown);
		}
		return null;
	}

	frappe.query_reports["Campaign Statement"] = {
		tree: true,
		name_field: "campaign",
		parent_field: "parent_campaign",
		initial_depth: 1,
		filters: [
			filters.company(),
			filters.from_date({
				default: erpnext.utils.get_fiscal_year(frappe.datetime.get_today(), true)?.[1],
			}),
			filters.to_date(),
			filters.campaigns(),
			filters.salesperson(),
			filters.segment({ fieldname: "segment", label: __("Campaigns for Segment") }),
			filters.segment(),
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
			const print = (language) => () =>
				with_bundle((statement) => statement.print_statement(report, language));
			report.page.add_inner_button(__("in German"), print("de"), __("Print as PDF"));
			report.page.add_inner_button(__("in English"), print("en"), __("Print as PDF"));
		},
		show_vouchers: (link) => with_bundle((statement) => statement.show_vouchers(link)),
		formatter(value, row, column, data, default_formatter) {
			const { fieldname } = column;
			const shown = default_formatter(value, row, column, data);
			if (!data) return shown;
			const { company: chosen, consolidated: several } = cells.chosen(
				"company",
				"consolidated",
			);
			const company = data.company || chosen;
			if (fieldname === "campaign") {
				const linked = linked_name(data, company, several, shown);
				if (linked) return linked;
			}
			if (fieldname === "campaign_cost" && value && (data.of_campaign || !several)) {
				const campaign = data.of_campaign || (data.is_campaign && data.campaign);
				if (campaign) return drill({ company, campaign }, shown);
			}
			if (fieldname === (data.is_difference ? "revenue" : "difference")) {
				return cells.difference(value, shown);
			}
			return data.bold ? cells.bold(shown) : shown;
		},
	};
})();
