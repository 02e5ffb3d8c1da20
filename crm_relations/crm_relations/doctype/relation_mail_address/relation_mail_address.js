// An address that mail does not reach: a user who knows better says so.
frappe.ui.form.on("Relation Mail Address", {
	refresh(frm) {
		const { MailAddressState, color_of } = crm_relations.enums;
		frm.page.set_indicator(__(frm.doc.state), color_of("MailAddressState", frm.doc.state));
		if (frm.doc.state !== MailAddressState.UNDELIVERABLE || !frm.perm[0]?.write) return;
		frm.add_custom_button(__("Deliverable Again"), async () => {
			await frappe.xcall("crm_relations.campaigns.incoming.api.revive_address", {
				address: frm.doc.name,
			});
			frm.reload_doc();
		});
	},
});
