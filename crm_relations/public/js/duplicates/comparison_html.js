// Two relations side by side as HTML: reasons, fields, documents, roles, and what a merge moves.

import { date } from "../lib/format.js";
import { html, joined_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const SIDES = ["keep", "other"];

/** Return agreements and differences next to each other, the strongest first. */
export function reasons_html(reasons, most = Infinity) {
	const against = reasons.filter(({ weight }) => weight <= 0).reverse();
	const in_favor = reasons.filter(({ weight }) => weight > 0);
	const line = (label, color, part) => {
		const pills = part
			.slice(0, most)
			.map(
				({ text }) =>
					html`<span class="indicator-pill no-indicator-dot ${color} mr-1 mb-1"
						>${text}</span
					>`,
			);
		return html`<div><span class="text-muted small mr-1">${label}</span>${pills}</div>`;
	};
	return html`${in_favor.length > 0 && line(__("In favor"), "green", in_favor)}
	${against.length > 0 && line(__("Against"), "orange", against)}`;
}

function head_cell(preview, side) {
	const { name, relation_name, creation } = preview[side];
	const outcome = side === "keep" ? __("stays") : __("is merged into it");
	const since = __("since {0}", [date(creation.split(" ")[0])]);
	return html`<th scope="col">
		${link_html("Relation", name, relation_name)}
		<div class="text-muted small">${outcome}, ${since}</div>
	</th>`;
}

/** Return the value of one side, with a choice where both relations have one. */
function value_cell({ fieldname, choice, ...row }, side, may_choose) {
	const bold = choice && "font-weight-bold";
	if (!may_choose || !choice) return html`<td class="${bold}">${row[side]}</td>`;
	const checked = side === "kept" && html`checked`;
	return html`<td class="${bold}">
		<label class="mb-0 font-weight-normal">
			<input type="radio" name="take-${fieldname}" value="${side}" ${checked} /> ${row[
				side
			]}</label
		>
	</td>`;
}

function field_row(row, may_choose) {
	return html`<tr data-field="${row.fieldname}">
		<th scope="row" class="text-muted">${row.label}</th>
		${value_cell(row, "kept", may_choose)}${value_cell(row, "other", may_choose)}
	</tr>`;
}

function list_row(preview, key, label, text) {
	const cells = SIDES.map((side) => {
		const rows = preview[key].filter((row) => row.relation === preview[side].name);
		return html`<td>${joined_html(rows.map(text), html`<br />`)}</td>`;
	});
	return html`<tr>
		<th scope="row" class="text-muted">${label}</th>
		${cells}
	</tr>`;
}

const party = (row) => `${__(row.doctype)}: ${row.name}`;

function role(row) {
	const until = row.until ? ` – ${date(row.until)}` : "";
	return `${__(row.role)} (${date(row.since)}${until})`;
}

function fields_html(preview, may_choose) {
	return html`<div class="table-responsive">
		<table class="table table-sm">
			<thead>
				<tr>
					<th></th>
					${SIDES.map((side) => head_cell(preview, side))}
				</tr>
			</thead>
			<tbody>
				${preview.fields.map((row) => field_row(row, may_choose))}
				${list_row(preview, "parties", __("Documents"), party)}
				${list_row(preview, "roles", __("Roles"), role)}
			</tbody>
		</table>
	</div>`;
}

/** Return reasons and fields; `may_choose` offers the values that a merge can take from either side. */
export function comparison_html(reasons, preview, may_choose) {
	return html`<div class="mb-3">${reasons_html(reasons)}</div>
		${fields_html(preview, may_choose)}`;
}

/** Return what a merge moves and what stays behind. */
export function moves_html(preview) {
	const line = (rows) =>
		rows.map(({ doctype, count }) => `${__(doctype)}: ${cint(count)}`).join(", ");
	const moves = __("Moves to the surviving relation: {0}", [line(preview.moves)]);
	const stays = __(
		"Both relations have it, so it is not moved; the merged relation is then disabled instead of deleted: {0}",
		[line(preview.stays)],
	);
	const undo = __("The documents in ERPNext are not merged. The merge can be undone.");
	return html`${preview.moves.length > 0 && html`<p>${moves}</p>`}
		${preview.stays.length > 0 && html`<p class="text-warning">${stays}</p>`}
		<p class="text-muted">${undo}</p>`;
}
