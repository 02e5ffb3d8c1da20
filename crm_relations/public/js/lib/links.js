// Addresses of the desk, and links to its documents.

import { html } from "./html.js";

export const form_url = (doctype, name) => frappe.utils.get_form_link(doctype, name);

/** Return the address of a report with its filters; empty filters are left out. */
export const report_url = (report, filters) =>
	`/app/query-report/${encodeURIComponent(report)}?${query_of(filters)}`;

/** Return the query part of an address without empty values. */
export function query_of(values) {
	const given = Object.entries(values).filter(
		([, value]) => ![null, undefined, ""].includes(value),
	);
	return new URLSearchParams(given);
}

/** Return a link to a document; its name is shown where there is no text. */
export const link_html = (doctype, name, text) =>
	html`<a href="${form_url(doctype, name)}">${text || name}</a>`;

/** Return a link that opens the document in another tab. */
export const tab_link_html = (doctype, name, text) =>
	html`<a href="${form_url(doctype, name)}" target="_blank">${text || name}</a>`;
