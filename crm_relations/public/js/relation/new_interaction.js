// A dialog to log a contact with a relation, and the next step that follows from it.

import { InteractionKind } from "../lib/enums.js";
import { escape } from "../lib/html.js";

export function new_interaction(frm) {
	const options = (fieldname) =>
		frappe.meta.get_docfield("Relation Interaction", fieldname).options;
	frappe.model.with_doctype("Relation Interaction", () => {
		const dialog = new frappe.ui.Dialog({
			title: __("New Interaction with {0}", [escape(frm.doc.relation_name)]),
			fields: [
				{
					fieldname: "kind",
					fieldtype: "Select",
					label: __("Kind"),
					options: options("kind"),
					default: InteractionKind.CALL,
					reqd: 1,
				},
				{
					fieldname: "day",
					fieldtype: "Date",
					label: __("Date"),
					default: frappe.datetime.get_today(),
					reqd: 1,
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "direction",
					fieldtype: "Select",
					label: __("Direction"),
					options: options("direction"),
				},
				{
					fieldname: "outcome",
					fieldtype: "Select",
					label: __("Outcome"),
					options: options("outcome"),
				},
				{ fieldtype: "Section Break" },
				{ fieldname: "subject", fieldtype: "Data", label: __("Subject"), reqd: 1 },
				{ fieldname: "notes", fieldtype: "Small Text", label: __("Notes") },
				{ fieldtype: "Section Break", label: __("Next Step") },
				{ fieldname: "next_step", fieldtype: "Data", label: __("Next Step") },
				{ fieldtype: "Column Break" },
				{
					fieldname: "next_step_on",
					fieldtype: "Date",
					label: __("Due on"),
					depends_on: "next_step",
					mandatory_depends_on: "next_step",
				},
				{
					fieldname: "next_step_for",
					fieldtype: "Link",
					options: "User",
					label: __("For"),
					default: frappe.session.user,
					depends_on: "next_step",
				},
			],
			primary_action_label: __("Save"),
			primary_action: async ({ day, ...values }) => {
				dialog.disable_primary_action();
				try {
					await frappe.db.insert({
						doctype: "Relation Interaction",
						relation: frm.doc.name,
						...values,
						happened_on: day === frappe.datetime.get_today() ? null : `${day} 00:00:00`,
						notes: values.notes ? escape(values.notes).replace(/\n/g, "<br>") : null,
						next_step_for: values.next_step ? values.next_step_for : null,
					});
				} finally {
					dialog.enable_primary_action();
				}
				dialog.hide();
				frappe.show_alert({ message: __("Saved"), indicator: "green" });
				frm.relation_timeline?.reload();
			},
		});
		dialog.show();
	});
}
