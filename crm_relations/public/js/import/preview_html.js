// What a check of an import file has found, as HTML: questions, remarks, and the outcome of each row.

import { html, joined_html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const outcomes = () => ({
	create: [__("New"), "green"],
	update: [__("Changed"), "blue"],
	unchanged: [__("Unchanged"), "gray"],
	reject: [__("Rejected"), "red"],
});

function preview_row({ row, action, title, relation, reason, details }) {
	const [label, color] = outcomes()[action] || [action, "gray"];
	const texts = joined_html([reason, ...(details || [])], html`<br />`);
	return html`<tr>
		<td>${row}</td>
		<td><span class="indicator-pill no-indicator-dot ${color}">${label}</span></td>
		<td style="overflow-wrap: anywhere">${title}</td>
		<td>${relation && link_html("Relation", relation)}</td>
		<td style="overflow-wrap: anywhere">${texts}</td>
	</tr>`;
}

/** Return the outcome of the first rows. */
export function preview_html({ preview, rows_total }) {
	const rows = JSON.parse(preview || "[]");
	if (!rows.length) return "";
	const heads = [__("Row"), __("Result"), __("Name"), __("Relation"), __("Details")];
	const more = __("{0} of {1} rows; all of them are in the file of the preview.", [
		rows.length,
		cint(rows_total),
	]);
	return html`${table_html(heads, rows.map(preview_row))}
	${rows_total > rows.length && html`<p class="text-muted small">${more}</p>`}`;
}

const list = (lines) =>
	html`<ul class="mb-0">
		${lines.map((line) => html`<li>${line}</li>`)}
	</ul>`;

/** Return the questions that the file does not answer, and the remarks about it. */
export function findings_html({ findings }) {
	const { remarks = [], questions = [] } = JSON.parse(findings || "{}");
	const asked = questions.map(
		({ text, examples }) =>
			html`<div class="alert alert-warning">${text}${list(examples)}</div>`,
	);
	const noted = remarks.map(
		({ text, count, examples }) =>
			html`<p class="mb-1"><b>${text}</b>: ${count}</p>
				${list(examples)}`,
	);
	return html`${asked}${noted.length > 0 && html`<div class="mb-3">${noted}</div>`}`;
}
