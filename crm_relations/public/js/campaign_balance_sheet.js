// Button on the campaign for those who may read the books: what it put on each side of the balance sheet.
frappe.ui.form.on("Relation Campaign", {
	refresh(frm) {
		const readers = [
			"System Manager",
			"Accounts User",
			"Accounts Manager",
			"Relation Manager",
			"Sales Manager",
		];
		if (frm.is_new() || !frappe.user.has_role(readers)) return;
		frm.add_custom_button(
			__("Balance Sheet"),
			() => {
				frappe.route_options = frm.doc.company ? { company: frm.doc.company } : null;
				frappe.set_route("campaign-balance-sheet", frm.docname);
			},
			__("View"),
		);
	},
});
