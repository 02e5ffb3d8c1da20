// The campaigns of a posted invoice: public/js/relation_invoice.bundle.js.
frappe.ui.form.on("Sales Invoice", {
	refresh(frm) {
		if (frm.doc.docstatus !== 1) return;
		// not returned: the form of an invoice never waits for this app
		frappe
			.require("relation_invoice.bundle.js")
			.then(() => crm_relations.invoice.show_campaigns(frm));
	},
});
