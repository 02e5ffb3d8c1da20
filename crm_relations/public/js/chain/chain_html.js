// A document flow as HTML: boxes in columns, arrows between them. Each box is a link that the keyboard reaches.

import { date, full_name, money } from "../lib/format.js";
import { html, icon_html, joined_html } from "../lib/html.js";
import { form_url, report_url } from "../lib/links.js";
import { extent, SIZE } from "./layout.js";

const COLORS = {
	"GL Entry": "gray",
	"Sales Invoice": "green",
	"POS Invoice": "green",
	"Payment Entry": "blue",
	"Journal Entry": "blue",
	"Relation Campaign": "purple",
	"Relation Segment": "purple",
	"Relation Campaign Response": "purple",
};
/** Doctypes with names that mean nothing to a user. */
const NAMELESS = ["Relation Campaign Response", "Relation Handover"];
const docstatus_labels = () => [__("Draft"), __("Submitted"), __("Cancelled")];

function state({ status, docstatus }) {
	if (status) return __(status);
	return docstatus ? docstatus_labels()[docstatus] : "";
}

function url({ doctype, name, company, date: day }) {
	if (doctype !== "GL Entry") return form_url(doctype, name);
	const filters = { company, voucher_no: name, from_date: day, to_date: day };
	return `${report_url("General Ledger", filters)}&group_by=`;
}

/** Return what a screen reader says of a box. */
function spoken(box) {
	const title = NAMELESS.includes(box.doctype) ? [__(box.title)] : [box.name, box.title];
	const amount = money(box.amount, box.currency);
	return [
		__(box.doctype),
		...new Set(title),
		date(box.date),
		amount,
		state(box),
		full_name(box.person),
	]
		.filter(Boolean)
		.join(", ");
}

const line = (left, right, css = "") =>
	html`<div class="chain-line ${css}"><span>${left}</span><span>${right}</span></div>`;

function document_lines(box) {
	const is_nameless = NAMELESS.includes(box.doctype);
	const name = is_nameless ? __(box.title) : box.name;
	const title = is_nameless || box.title === box.name ? "" : box.title;
	const amount = money(box.amount, box.currency);
	return html`<div class="chain-line"><b>${name}</b></div>
		<div class="chain-line"><span>${title}</span></div>
		${line(state(box), html`<b>${amount}</b>`)}
		<div class="chain-line text-muted"><span>${full_name(box.person)}</span></div>`;
}

function ledger_line({ account, debit, credit }, currency) {
	const is_credit = Number(debit) === 0;
	const side = is_credit ? __("Cr.") : __("Dr.");
	return line(account, `${side} ${money(is_credit ? credit : debit, currency)}`);
}

function box_html(box, place, start) {
	const position = `position: absolute; left: ${place.x}px; top: ${place.y}px; width: ${place.width}px; height: ${place.height}px`;
	if (box.closed) {
		return html`<div
			class="chain-box chain-closed"
			style="${position}"
			tabindex="-1"
			role="listitem"
			data-key="${box.key}"
			aria-label="${__("Closed: you may not read it")}"
		>
			${icon_html("lock", "sm")} ${__("Closed")}
		</div>`;
	}
	const color = COLORS[box.doctype] || "orange";
	const label = spoken(box);
	const kind = box.entries ? __("Ledger") : __(box.doctype);
	const lines = box.entries
		? box.entries.map((entry) => ledger_line(entry, box.currency))
		: document_lines(box);
	return html`<a
		class="chain-box ${box.docstatus === 2 && "chain-cancelled"}"
		style="${position}; border-left: 4px solid var(--text-on-${color})"
		href="${url(box)}"
		tabindex="-1"
		role="listitem"
		data-key="${box.key}"
		aria-label="${label}"
		title="${label}"
		${box.key === start && html`aria-current="true"`}
	>
		${line(kind, date(box.date), "text-muted")}${lines}
	</a>`;
}

function arrow_svg([earlier, later], at) {
	const [from, to] = [at[earlier], at[later]];
	const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
	const [x2, y2] = [to.x - 4, to.y + to.height / 2];
	const bend = SIZE.gap_x / 2;
	const curve = `C${x2 - bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
	return html`<path
		d="M${x1} ${y1} H${x2 - 2 * bend + 6} ${curve}"
		data-from="${earlier}"
		data-to="${later}"
		marker-end="url(#chain-arrow)"
	/>`;
}

function arrows_svg(arrows, at, { width, height }) {
	return html`<svg width="${width}" height="${height}" aria-hidden="true">
		<defs>
			<marker
				id="chain-arrow"
				viewBox="0 0 8 8"
				refX="5"
				refY="4"
				markerWidth="7"
				markerHeight="7"
				orient="auto"
			>
				<path d="M0 0 8 4 0 8z" style="fill: var(--gray-500); stroke: none" />
			</marker>
		</defs>
		${arrows.map((arrow) => arrow_svg(arrow, at))}
	</svg>`;
}

/** Return the chain with its arrows and the notes below it. */
export function chain_html({ boxes, arrows, start, cut }, at) {
	const size = extent(at);
	const notes = [
		cut && __("Not all documents are shown here."),
		boxes.some((box) => box.closed) && __("A locked box is a document that you may not read."),
		__(
			"Arrow keys move through the document flow, Enter opens the document, Ctrl+Enter shows the document's own flow.",
		),
	];
	return html`<div class="chain" role="list" aria-label="${__("Document Flow")}">
			<div style="width: ${size.width}px; height: ${size.height}px">
				${arrows_svg(arrows, at, size)}
				${boxes.map((box) => box_html(box, at[box.key], start))}
			</div>
		</div>
		<p class="text-muted small mt-2">${joined_html(notes, html`<br />`)}</p>`;
}
