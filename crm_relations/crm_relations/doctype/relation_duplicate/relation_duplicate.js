// A pair of relations that may be the same: public/js/relation_duplicate.bundle.js.
frappe.ui.form.on("Relation Duplicate", {
	before_load: () => frappe.require("relation_duplicate.bundle.js"),
});
