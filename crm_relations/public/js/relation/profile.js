// The profile on the customer file: what is missing to be complete, and the records of ERPNext behind it.

import { api } from "../lib/api.js";
import { html, show_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const relations = api("crm_relations.relations.api");
const joined = (separator, ...parts) => parts.filter(Boolean).join(separator);

function address(row) {
	const town = joined(" ", row.pincode, row.city);
	return joined(", ", row.address_line1, town, row.country, row.phone, row.email_id);
}

function contact(row) {
	return joined(", ", row.designation, row.email_id, row.phone, row.mobile_no);
}

function list(heading, rows) {
	if (!rows.length) return "";
	return html`<h6 class="mt-3 mb-1 text-muted">${heading}</h6>
		<ul class="list-unstyled mb-0">
			${rows.map((row) => html`<li class="py-1">${row}</li>`)}
		</ul>`;
}

function behind_html({ parties, addresses, contacts, hidden }) {
	const muted = (text) => text && html`<span class="text-muted">${text}</span>`;
	const documents = parties.map(
		({ label, doctype, name, title }) =>
			html`${muted(label)} ${link_html(doctype, name, title)}`,
	);
	const address_rows = addresses.map(
		(row) => html`${link_html("Address", row.name)} ${muted(address(row))}`,
	);
	const contact_rows = contacts.map((row) => {
		const person = joined(" ", row.first_name, row.last_name);
		return html`${link_html("Contact", row.name, person)} ${muted(contact(row))}`;
	});
	const note = __("{0} documents are hidden: you may not read them.", [cint(hidden)]);
	return html`${list(__("Documents in ERPNext"), documents)}
	${list(__("Addresses"), address_rows)} ${list(__("Contacts"), contact_rows)}
	${hidden > 0 && html`<p class="text-muted small mt-2">${note}</p>`}`;
}

frappe.ui.form.on("Relation", {
	async refresh(frm) {
		frm.get_field("behind_html").$wrapper.empty();
		frm.set_df_property("completeness", "description", "");
		if (frm.is_new()) return;
		const relation = frm.doc.name;
		const [behind, missing] = await Promise.all([
			relations.get("behind", { relation }),
			relations.get("missing_fields", { relation }),
		]);
		if (frm.doc.name !== relation) return; // another form was opened meanwhile
		show_html(frm.get_field("behind_html").$wrapper, behind_html(behind));
		if (missing.length) {
			const missing_html = html`${__("Still missing: {0}", [missing.join(", ")])}`;
			frm.set_df_property("completeness", "description", String(missing_html));
		}
	},
});
