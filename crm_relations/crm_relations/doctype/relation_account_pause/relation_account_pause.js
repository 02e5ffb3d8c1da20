// A mail account that is paused: when the provider takes mail again, a person may end the pause early.
frappe.ui.form.on("Relation Account Pause", {
	refresh(frm) {
		if (!frm.perm[0]?.write) return;
		frm.add_custom_button(__("Send Again Now"), async () => {
			await frappe.xcall("crm_relations.campaigns.api.end_account_pause", {
				pause: frm.doc.name,
			});
			frappe.set_route("List", "Relation Account Pause");
		});
	},
});
