// An answer: whose it is.
frappe.ui.form.on("Relation Campaign Response", {
	refresh(frm) {
		const title = frappe.utils.get_link_title("Relation", frm.doc.relation) || frm.doc.name;
		frm.page.set_title(frappe.utils.escape_html(title), null, true, title);
	},
});
