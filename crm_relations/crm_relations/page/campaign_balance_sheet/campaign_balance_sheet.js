// The balance sheet of a campaign: public/js/campaign_balance_sheet.bundle.js. The frame is there before the bundle.
frappe.pages["campaign-balance-sheet"].on_page_load = (wrapper) =>
	frappe.ui.make_app_page({
		parent: wrapper,
		title: __("Campaign Balance Sheet"),
		single_column: true,
	});
frappe.pages["campaign-balance-sheet"].on_page_show = (wrapper) =>
	frappe
		.require(["campaign_balance_sheet.bundle.css", "campaign_balance_sheet.bundle.js"])
		.then(() => crm_relations.balance_sheet.show(wrapper));
