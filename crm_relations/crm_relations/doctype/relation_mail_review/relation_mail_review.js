// An incoming mail that only a user can judge: read it, then decide.
frappe.ui.form.on("Relation Mail Review", {
	refresh(frm) {
		const { MailReviewDecision, MailReviewState } = crm_relations.enums;
		if (frm.doc.state !== MailReviewState.OPEN || !frm.perm[0]?.write) return;
		frm.set_intro(
			__("Read the email, then decide. Until then no email step is sent to this address."),
		);
		const decisions = {
			[MailReviewDecision.OBJECTION]: __("Objects to Advertising"),
			[MailReviewDecision.ANSWER]: __("Is an Answer"),
			[MailReviewDecision.UNDELIVERABLE]: __("Address Does Not Exist"),
			[MailReviewDecision.NO_EFFECT]: __("Nothing to Record"),
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
