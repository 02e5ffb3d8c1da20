// The settings: public/js/relation_settings.bundle.js.
frappe.ui.form.on("Relation Settings", {
	before_load: () => frappe.require("relation_settings.bundle.js"),
});
