// The handover from marketing to sales: public/js/relation_handover.bundle.js.
frappe.ui.form.on("Relation Handover", {
	before_load: () => frappe.require("relation_handover.bundle.js"),
});
