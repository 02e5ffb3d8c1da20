// The form of a campaign: public/js/relation_campaign.bundle.js.
frappe.ui.form.on("Relation Campaign", {
	before_load: () => frappe.require("relation_campaign.bundle.js"),
});
