// Campaigns by status.
frappe.listview_settings["Relation Campaign"] = {
	hide_name_column: true,
	get_indicator: (doc) => crm_relations.lists.indicator("CampaignStatus", "status", doc),
};
