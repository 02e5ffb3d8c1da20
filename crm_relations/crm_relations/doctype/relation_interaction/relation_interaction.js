// An interaction: defaults of the next step, and the way to its task.
frappe.ui.form.on("Relation Interaction", {
	refresh(frm) {
		if (frm.is_new()) return;
		frm.add_custom_button(__("Customer File"), () =>
			frappe.set_route("Form", "Relation", frm.doc.relation),
		);
		if (frm.doc.todo) {
			frm.add_custom_button(__("Task"), () => frappe.set_route("Form", "ToDo", frm.doc.todo));
		}
	},
	next_step(frm) {
		if (!frm.doc.next_step) return;
		if (!frm.doc.next_step_for) frm.set_value("next_step_for", frappe.session.user);
		if (!frm.doc.next_step_on) {
			frm.set_value("next_step_on", frappe.datetime.add_days(frappe.datetime.get_today(), 7));
		}
	},
});
