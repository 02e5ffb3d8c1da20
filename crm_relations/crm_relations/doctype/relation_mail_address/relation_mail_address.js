// A dead address: a person who knows that mail arrives again says so.
frappe.ui.form.on("Relation Mail Address", {
	refresh(frm) {
		frm.page.set_indicator(__(frm.doc.state), frm.doc.state === "Dead" ? "red" : "green");
		if (frm.doc.state !== "Dead" || !frm.perm[0]?.write) return;
		frm.add_custom_button(__("Mail Arrives Again"), async () => {
			await frappe.xcall("crm_relations.campaigns.incoming.api.revive_address", {
				address: frm.doc.name,
			});
			frm.reload_doc();
		});
	},
});
