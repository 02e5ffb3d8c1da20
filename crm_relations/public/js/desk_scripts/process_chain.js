// Button on every document of the document flow: where it comes from and what came of it.
(() => {
	const events = {
		refresh(frm) {
			if (frm.is_new()) return;
			frm.page.remove_inner_button(__("Document Flow"), __("View")); // the file comes with each of the doctypes
			frm.add_custom_button(
				__("Document Flow"),
				() => frappe.set_route("process-chain", frm.doctype, frm.docname),
				__("View"),
			);
		},
	};
	for (const doctype of [
		"Relation Campaign",
		"Relation Campaign Response",
		"Relation Handover",
		"Lead",
		"Prospect",
		"Opportunity",
		"Quotation",
		"Sales Order",
		"Delivery Note",
		"Sales Invoice",
		"POS Invoice",
		"Subscription",
		"Payment Entry",
		"Journal Entry",
	]) {
		frappe.ui.form.on(doctype, events);
	}
})();
