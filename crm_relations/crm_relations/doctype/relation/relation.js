// The customer file: profile by kind, options of each attribute in their order, the documents behind it.
const OPTION_FIELDS = {
	age_group: "Age Group",
	income_group: "Income Group",
	buying_behaviour: "Buying Behaviour",
	education: "Education",
	risk_attitude: "Risk Attitude",
	market_orientation: "Market Orientation",
};
// the desk shows names of doctypes in tables as they are stored
const DOCTYPE_COLUMNS = [
	["Relation Role", "document_type"],
	["Relation Party", "party_type"],
];
const STAGE_COLORS = { Lead: "blue", Prospect: "orange", Customer: "green" };

frappe.ui.form.on("Relation", {
	setup(frm) {
		for (const [doctype, fieldname] of DOCTYPE_COLUMNS) {
			const docfield = frappe.meta.get_docfield(doctype, fieldname);
			if (docfield) docfield.formatter = (value) => frappe.utils.escape_html(__(value || ""));
		}
		for (const [fieldname, attribute] of Object.entries(OPTION_FIELDS)) {
			frm.set_query(fieldname, () => ({ filters: { attribute, disabled: 0 } }));
		}
	},
	refresh(frm) {
		if (frm.is_new()) return;
		if (frm.doc.stage) {
			frm.page.set_indicator(__(frm.doc.stage), STAGE_COLORS[frm.doc.stage] || "gray");
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
			frm.add_custom_button(__("New Interaction"), () => crm_relations.new_interaction(frm));
		}
	},
});
