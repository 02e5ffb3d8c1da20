// Campaign Comparison: a campaign opens its form, a number of persons its members, an amount its statement.
(() => {
	const { cells, filters } = crm_relations.reports;
	const { CampaignStatus, MemberStatus } = crm_relations.enums;
	const { QUALIFIED, HANDED_OVER, WON } = MemberStatus;
	//: column → status of the members behind its number
	const MEMBERS = {
		members: {},
		qualified: { status: JSON.stringify(["in", [QUALIFIED, HANDED_OVER, WON]]) },
		won: { status: WON },
	};
	const AMOUNTS = ["revenue", "margin", "receivable_open", "cash_received"];

	frappe.query_reports["Campaign Comparison"] = {
		filters: [
			filters.company(),
			filters.from_date(),
			filters.to_date(),
			filters.campaigns(),
			{
				fieldname: "status",
				label: __("Status"),
				fieldtype: "Select",
				options: ["", ...Object.values(CampaignStatus)],
			},
			filters.salesperson(),
			filters.segment(),
		],
		formatter(value, row, column, data, default_formatter) {
			const { fieldname } = column;
			const shown = default_formatter(value, row, column, data);
			if (!data?.is_campaign) return data?.bold ? cells.bold(shown) : shown;
			if (fieldname === "campaign") {
				return cells.document_link("Relation Campaign", data.campaign, shown);
			}
			if (fieldname in MEMBERS && value) {
				const asked = { campaign: data.campaign, held_out: 0, ...MEMBERS[fieldname] };
				return cells.list_link("Relation Campaign Member", asked, shown);
			}
			if (AMOUNTS.includes(fieldname)) {
				const asked = {
					...cells.chosen("company", "from_date", "to_date"),
					campaigns: JSON.stringify([data.campaign]),
				};
				return cells.report_link("Campaign Statement", asked, shown);
			}
			return shown;
		},
	};
})();
