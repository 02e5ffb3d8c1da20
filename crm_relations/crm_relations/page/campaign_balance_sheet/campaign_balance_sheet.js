// The balance sheet of a campaign: public/js/campaign_balance_sheet.bundle.js.
frappe.pages["campaign-balance-sheet"].on_page_show = (wrapper) =>
	frappe
		.require(["campaign_balance_sheet.bundle.css", "campaign_balance_sheet.bundle.js"])
		.then(() => crm_relations.balance_sheet.show(wrapper));
