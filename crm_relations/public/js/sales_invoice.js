// Which campaigns earned the lines of a posted invoice, with the way to the statement.
frappe.ui.form.on("Sales Invoice", {
	async refresh(frm) {
		if (frm.doc.docstatus !== 1) return;
		const rows = await frappe.xcall("crm_relations.ledger.api.campaigns_of_invoice", {
			invoice: frm.doc.name,
		});
		if (!rows.length || frm.doc.docstatus !== 1) return;
		const currency = frappe.get_doc(":Company", frm.doc.company)?.default_currency;
		const earned = rows
			.map((row) => {
				const link = frappe.utils.get_form_link("Relation Campaign", row.campaign, true);
				// a decimal string: read as text in the number format of the site, its point would count as a group
				return `${link} ${format_currency(Number(row.amount), currency)}`;
			})
			.join(", ");
		frm.dashboard.add_comment(__("Earned by campaigns: {0}", [earned]), "blue", true);
		if (frappe.model.can_read("Relation Attribution")) {
			frm.add_custom_button(
				__("Campaign Statement"),
				() =>
					frappe.set_route("query-report", "Campaign Statement", {
						company: frm.doc.company,
						from_date: frm.doc.posting_date,
						to_date: frappe.datetime.get_today(),
					}),
				__("View")
			);
		}
	},
});
