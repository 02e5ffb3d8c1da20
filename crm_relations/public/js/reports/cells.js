// Cells of reports. `shown` is what Frappe's own formatter has made of a value: markup already.

import { html, server_html } from "../lib/html.js";
import { form_url, query_of, report_url } from "../lib/links.js";

const link = (url, shown) => String(html`<a href="${url}">${server_html(shown)}</a>`);

/** Link a cell to a document. */
export const document_link = (doctype, name, shown) => link(form_url(doctype, name), shown);

/** Link a cell to another report. */
export const report_link = (report, filters, shown) => link(report_url(report, filters), shown);

/** Link a cell to a list with filters. */
export const list_link = (doctype, filters, shown) =>
	link(`/app/${frappe.router.slug(doctype)}?${new URLSearchParams(filters)}`, shown);

/** Link a cell to a page about a record. */
export const page_link = (route, name, filters, shown) =>
	link(`/app/${route}/${encodeURIComponent(name)}?${query_of(filters)}`, shown);

/** Return the values of some filters of the open report. */
export const chosen = (...names) =>
	Object.fromEntries(
		names.map((name) => [name, frappe.query_report.get_filter_value(name) || ""]),
	);

export const bold = (shown) => String(html`<b>${server_html(shown)}</b>`);

/** Return a difference: green where it is nothing, red otherwise. */
export function difference(value, shown) {
	const color = value ? "red" : "green";
	return String(html`<b style="color: var(--text-on-${color})">${server_html(shown)}</b>`);
}
