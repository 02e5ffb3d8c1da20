// A consent event: the relation. Its address for the channel is proposed.
(() => {
	async function propose_address(frm) {
		const { relation, channel } = frm.doc;
		if (!relation || !channel) return;
		const { EMAIL, PHONE } = crm_relations.enums.Channel;
		const { message } = await frappe.db.get_value("Relation", relation, [
			"email_id",
			"mobile_no",
			"phone",
		]);
		if (frm.doc.relation !== relation || frm.doc.channel !== channel) return;
		const address = {
			[EMAIL]: message.email_id,
			[PHONE]: message.mobile_no || message.phone,
		}[channel];
		if (address) frm.set_value("address", address);
	}

	frappe.ui.form.on("Relation Consent", {
		refresh(frm) {
			if (frm.is_new()) return;
			const title = frappe.utils.get_link_title("Relation", frm.doc.relation) || frm.doc.name;
			frm.page.set_title(frappe.utils.escape_html(title), null, true, title);
		},
		relation: propose_address,
		channel: propose_address,
	});
})();
