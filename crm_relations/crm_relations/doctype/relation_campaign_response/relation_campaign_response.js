// An answer: whose it is.
frappe.ui.form.on("Relation Campaign Response", {
	refresh(frm) {
		frm.page.set_title(
			frappe.utils.get_link_title("Relation", frm.doc.relation) || frm.doc.name,
		);
	},
});
