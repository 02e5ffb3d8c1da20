// The import of relations: public/js/relation_import.bundle.js.
frappe.ui.form.on("Relation Import", {
	before_load: () => frappe.require("relation_import.bundle.js"),
});
