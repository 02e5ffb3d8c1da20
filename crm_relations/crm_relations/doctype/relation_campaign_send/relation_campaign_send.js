// A message, call or letter of a campaign: the member, and the reason where it did not go out.
frappe.ui.form.on("Relation Campaign Send", {
	refresh(frm) {
		const title = frappe.utils.get_link_title("Relation", frm.doc.relation) || frm.doc.name;
		frm.page.set_title(frappe.utils.escape_html(title), null, true, title);
		frm.toggle_display(["step", "reason"], false); // the step is the key of a row; the reason stands above
		if (!frm.doc.reason) return;
		const color = crm_relations.enums.color_of("SendState", frm.doc.state);
		frm.set_intro(frappe.utils.escape_html(__(frm.doc.reason)), color);
	},
});
