// The form of a segment: public/js/relation_segment.bundle.js.
frappe.ui.form.on("Relation Segment", {
	before_load: () =>
		frappe.require(["relation_segment.bundle.css", "relation_segment.bundle.js"]),
});
