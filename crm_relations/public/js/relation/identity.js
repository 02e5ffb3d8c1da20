// The documents that form a relation: link one, or detach one, by hand.

import { api } from "../lib/api.js";
import { escape } from "../lib/html.js";

const relations = api("crm_relations.relations.api");

frappe.ui.form.on("Relation", {
	refresh(frm) {
		if (frm.is_new() || !frappe.model.can_write("Relation")) return;
		if ((frm.doc.parties || []).length) {
			frm.add_custom_button(__("Detach Document"), () => take_out(frm), __("Documents"));
		}
		frm.add_custom_button(__("Link Document"), () => put_in(frm), __("Documents"));
	},
});

function take_out(frm) {
	const parties = frm.doc.parties;
	frappe.prompt(
		[
			{
				fieldname: "party",
				fieldtype: "Select",
				label: __("Document"),
				reqd: 1,
				options: parties.map((row, index) => ({
					value: String(index),
					label: `${__(row.party_type)}: ${row.party}`,
				})),
			},
			{
				fieldname: "relation",
				fieldtype: "Link",
				label: __("Into the relation"),
				options: "Relation",
				only_select: 1,
				description: __("Empty: the document gets a relation of its own."),
				get_query: () => ({ filters: { name: ["!=", frm.doc.name] } }),
			},
		],
		({ party, relation }) => {
			const row = parties[Number(party)];
			place(frm, row.party_type, row.party, relation);
		},
		__("Detach Document"),
		__("Detach"),
	);
}

async function put_in(frm) {
	const doctypes = await relations.post("party_doctypes");
	frappe.prompt(
		[
			{
				fieldname: "party_type",
				fieldtype: "Select",
				label: __("Document Type"),
				reqd: 1,
				options: doctypes,
			},
			{
				fieldname: "party",
				fieldtype: "Dynamic Link",
				label: __("Document"),
				reqd: 1,
				options: "party_type",
				only_select: 1,
				description: __("It leaves the relation it is in now."),
			},
		],
		({ party_type, party }) => place(frm, party_type, party, frm.doc.name),
		__("Link Document"),
		__("Link"),
	);
}

async function place(frm, doctype, name, relation) {
	const placed = await relations.post("place_document", {
		doctype,
		name,
		relation: relation || null,
	});
	frappe.show_alert({
		message: __("{0} {1} is in relation {2} now.", [
			escape(__(doctype)),
			escape(name),
			escape(placed),
		]),
		indicator: "green",
	});
	await frm.reload_doc();
}
