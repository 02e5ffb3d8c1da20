// An incoming mail that only a person can judge: read it, then decide.
frappe.ui.form.on("Relation Mail Review", {
	refresh(frm) {
		if (frm.doc.state !== "Open" || !frm.perm[0]?.write) return;
		frm.set_intro(
			__("Read the email, then decide. Until then no email step is sent to this address."),
		);
		const decisions = {
			Objection: __("Objects to Advertising"),
			Answer: __("Is an Answer"),
			"Undeliverable": __("Address Does Not Exist"),
			"No Effect": __("Nothing to Record"),
		};
		for (const [decision, label] of Object.entries(decisions)) {
			frm.add_custom_button(label, async () => {
				await frappe.xcall("crm_relations.campaigns.incoming.api.decide_mail", {
					review: frm.doc.name,
					decision,
				});
				frm.reload_doc();
			});
		}
	},
});
