// The settings: fields that count for completeness, and the rebuild of the attribution.

import { api } from "../lib/api.js";
import { escape, html } from "../lib/html.js";

frappe.ui.form.on("Relation Settings", {
	async refresh(frm) {
		if (frm.perm[0]?.write) {
			frm.add_custom_button(__("Rebuild Attribution"), () => ask_company());
		}
		const fields = await api("crm_relations.relations.api").get("countable_fields");
		const { grid } = frm.fields_dict.completeness_fields;
		for (const fieldname of ["profile_field", "alternative"]) {
			grid.update_docfield_property(fieldname, "options", fields);
		}
	},
});

function ask_company() {
	const explanation_html = html`<p class="text-muted">
		${__(
			"Recomputes the campaign of each invoice line from the campaigns on the posted invoices. Invoices and ledger stay unchanged.",
		)}
	</p>`;
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
				options: String(explanation_html),
			},
		],
		({ company }) => rebuild(company),
		__("Rebuild Attribution"),
		__("Rebuild"),
	);
}

async function rebuild(company) {
	const answer = await api("crm_relations.ledger.api").post("rebuild_attribution", {
		company: company || null,
	});
	if (answer.workers) {
		frappe.show_alert({ message: escape(answer.message), indicator: "blue" });
		return;
	}
	frappe.msgprint({
		title: __("Waiting for a worker"),
		indicator: "orange",
		message: __("{0} No background worker is running: the job begins as soon as one does.", [
			escape(answer.message),
		]),
	});
}
