// A dialog to add a relationship.

import { api } from "../lib/api.js";
import { escape } from "../lib/html.js";

const BOTH = "Both";

/** Ask for a relationship of the relation; `done` is called when it is stored. */
export async function add_link(frm, done) {
	const types = await api("crm_relations.relations.api").get("offered_link_types");
	const kind = frm.doc.relation_kind;
	const fits = types.filter((type) => [BOTH, kind].includes(type.kinds[0] || BOTH));
	const chosen = () => fits.find((type) => type.label === dialog.get_value("reads"));
	const dialog = new frappe.ui.Dialog({
		title: __("New Relationship of {0}", [escape(frm.doc.relation_name)]),
		fields: [
			{
				fieldname: "reads",
				fieldtype: "Select",
				label: __("Relationship"),
				options: fits.map((type) => type.label),
				reqd: 1,
			},
			{
				fieldname: "other",
				fieldtype: "Link",
				options: "Relation",
				label: __("Related Relation"),
				reqd: 1,
				get_query: () => {
					const wanted = chosen()?.kinds[1];
					const filters = { name: ["!=", frm.doc.name] };
					return {
						filters:
							wanted && wanted !== BOTH
								? { ...filters, relation_kind: wanted }
								: filters,
					};
				},
			},
			{ fieldtype: "Column Break" },
			{ fieldname: "since", fieldtype: "Date", label: __("Since") },
			{ fieldname: "until", fieldtype: "Date", label: __("Until") },
			{ fieldtype: "Section Break" },
			{ fieldname: "notes", fieldtype: "Small Text", label: __("Notes") },
		],
		primary_action_label: __("Save"),
		primary_action: async ({ other, since, until, notes }) => {
			const type = chosen();
			const ends = type.outgoing ? [frm.doc.name, other] : [other, frm.doc.name];
			await frappe.db.insert({
				doctype: "Relation Link",
				relation: ends[0],
				link_type: type.value,
				related_relation: ends[1],
				since,
				until,
				notes,
			});
			dialog.hide();
			done();
		},
	});
	dialog.show();
}
