// A member of a segment: who it is.
frappe.ui.form.on("Relation Segment Member", {
	refresh(frm) {
		frm.page.set_title(
			frappe.utils.get_link_title("Relation", frm.doc.relation) || frm.doc.name,
		);
	},
});
