// The customer file: options of each attribute, names of doctypes, the stage, the documents behind it.

import { color_of } from "../lib/enums.js";
import { escape } from "../lib/html.js";
import { new_interaction } from "./new_interaction.js";

const OPTION_FIELDS = {
	age_group: "Age Group",
	income_group: "Income Group",
	buying_behaviour: "Buying Behaviour",
	education: "Education",
	risk_attitude: "Risk Attitude",
	market_orientation: "Market Orientation",
};
// without a formatter, tables show the names of doctypes untranslated
const DOCTYPE_COLUMNS = [
	["Relation Role", "document_type"],
	["Relation Party", "party_type"],
];

for (const [doctype, fieldname] of DOCTYPE_COLUMNS) {
	const docfield = frappe.meta.get_docfield(doctype, fieldname);
	if (docfield) docfield.formatter = (value) => escape(__(value || ""));
}

frappe.ui.form.on("Relation", {
	onload(frm) {
		for (const [fieldname, attribute] of Object.entries(OPTION_FIELDS)) {
			frm.set_query(fieldname, () => ({ filters: { attribute, disabled: 0 } }));
		}
	},
	refresh(frm) {
		if (frm.is_new()) return;
		if (frm.doc.stage) {
			frm.page.set_indicator(__(frm.doc.stage), color_of("Stage", frm.doc.stage));
		}
		for (const party of frm.doc.parties || []) {
			if (!frappe.model.can_read(party.party_type)) continue;
			frm.add_custom_button(
				`${__(party.party_type)}: ${party.party}`,
				() => frappe.set_route("Form", party.party_type, party.party),
				__("Documents"),
			);
		}
		if (frappe.model.can_create("Relation Interaction")) {
			frm.add_custom_button(__("New Interaction"), () => new_interaction(frm));
		}
	},
});
