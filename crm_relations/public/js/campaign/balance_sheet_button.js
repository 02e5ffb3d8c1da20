// Button for users who may read the ledger: what the campaign put on each side of the balance sheet.

const READERS = [
	"System Manager",
	"Accounts User",
	"Accounts Manager",
	"Relation Manager",
	"Sales Manager",
];

frappe.ui.form.on("Relation Campaign", {
	refresh(frm) {
		if (frm.is_new() || !frappe.user.has_role(READERS)) return;
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
