// A dead address: a person who knows that mail arrives again says so.
frappe.ui.form.on("Relation Mail Address", {
	refresh(frm) {
		frm.page.set_indicator(__(frm.doc.state), frm.doc.state === "Undeliverable" ? "red" : "green");
		if (frm.doc.state !== "Undeliverable" || !frm.perm[0]?.write) return;
		frm.add_custom_button(__("Deliverable Again"), async () => {
			await frappe.xcall("crm_relations.campaigns.incoming.api.revive_address", {
				address: frm.doc.name,
			});
			frm.reload_doc();
		});
	},
});
