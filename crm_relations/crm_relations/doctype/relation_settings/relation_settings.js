// Copyright (c) 2026, the crm_relations contributors
// License: GPL-3.0. See license.txt

frappe.ui.form.on("Relation Settings", {
	refresh(frm) {
		if (!frm.perm[0]?.write) return;
		frm.add_custom_button(__("Rebuild Attribution"), () => ask_company(frm));
	},
});

function ask_company(frm) {
	frappe.prompt(
		[
			{
				fieldname: "company",
				fieldtype: "Link",
				options: "Company",
				label: __("Company"),
				description: __("Leave empty for all companies"),
			},
			{
				fieldname: "explanation",
				fieldtype: "HTML",
				options: `<p class="text-muted">${__(
					"Recomputes the campaign of each invoice line from the campaigns on the posted invoices. Invoices and ledger stay unchanged.",
				)}</p>`,
			},
		],
		({ company }) => rebuild(company),
		__("Rebuild Attribution"),
		__("Rebuild"),
	);
}

async function rebuild(company) {
	const answer = await frappe.xcall("crm_relations.ledger.api.rebuild_attribution", {
		company: company || null,
	});
	if (answer.workers) {
		frappe.show_alert({ message: frappe.utils.escape_html(answer.message), indicator: "blue" });
	} else {
		frappe.msgprint({
			title: __("Waiting for a worker"),
			indicator: "orange",
			message: __(
				"{0} No background worker is running: the job begins as soon as one does.",
				[frappe.utils.escape_html(answer.message)],
			),
		});
	}
}

// The fields of a relation from which the completeness of a profile is chosen
frappe.ui.form.on("Relation Settings", {
	async refresh(frm) {
		const fields = await frappe.xcall(
			"crm_relations.relations.api.countable_fields",
			{},
			"GET",
		);
		const grid = frm.fields_dict.completeness_fields.grid;
		for (const fieldname of ["profile_field", "alternative"]) {
			grid.update_docfield_property(fieldname, "options", fields);
		}
	},
});
