// The customer file: public/js/relation.bundle.js.
frappe.ui.form.on("Relation", {
	before_load: () => frappe.require("relation.bundle.js"),
});
