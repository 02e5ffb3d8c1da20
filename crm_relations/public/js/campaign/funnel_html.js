// The funnel of a campaign and its effect against the control group, as HTML.

import { date, money, number } from "../lib/format.js";
import { html, table_html } from "../lib/html.js";

const WIDTH = "max-width: 60rem";
//: what is known of members who were not addressed
const KNOWN_OF_CONTROL = ["members", "invoiced"];
const stages = () => [
	["members", __("Members")],
	["sent", __("Sent")],
	["delivered", __("Delivered")],
	["answered", __("Answered")],
	["qualified", __("Qualified")],
	["won", __("Won")],
	["invoiced", __("Invoiced")],
];

const share = (group, key) => (group.members ? (100 * group[key]) / group.members : 0);

function count_cell(group, key) {
	return html`<td class="text-right text-nowrap">
		${group[key]} <span class="text-muted">${share(group, key).toFixed(1)} %</span>
	</td>`;
}

function stage_row([key, label], addressed, control) {
	const of_control = KNOWN_OF_CONTROL.includes(key) ? count_cell(control, key) : html`<td></td>`;
	return html`<tr data-stage="${key}">
		<td style="width: 11rem">${label}</td>
		<td style="width: 40%">
			<div class="progress" style="height: 1rem">
				<div class="progress-bar" style="width: ${share(addressed, key)}%"></div>
			</div>
		</td>
		${count_cell(addressed, key)} ${control.members > 0 && of_control}
	</tr>`;
}

function amount_row(addressed, control, currency) {
	if (addressed.amount === null) return "";
	const cell = ({ amount }) =>
		html`<td class="text-right text-nowrap">${money(amount, currency)}</td>`;
	return html`<tr>
		<td>${__("Net Amount Invoiced")}</td>
		<td></td>
		${cell(addressed)} ${control.members > 0 && cell(control)}
	</tr>`;
}

/** Return each stage with its share of the members; the control group alongside where there is one. */
export function funnel_html({ addressed, control }, currency) {
	const heads = ["", "", `#${__("Addressed")}`];
	if (control.members) heads.push(`#${__("Control Group")}`);
	const rows = stages()
		.filter(([key]) => addressed[key] !== null)
		.map((stage) => stage_row(stage, addressed, control));
	const table = table_html(heads, [...rows, amount_row(addressed, control, currency)]);
	return html`<div style="${WIDTH}">${table}</div>`;
}

function effect_row(label, estimate, unit, write) {
	if (!estimate) return [];
	const cells = [estimate.difference, estimate.low, estimate.high].map(
		(value) => html`<td class="text-right text-nowrap">${write(value)}</td>`,
	);
	return [
		html`<tr>
			<td>${label}</td>
			${cells}
			<td class="text-muted">${unit}</td>
		</tr>`,
	];
}

/** Return what the campaign changed, compared with the members that it did not address. */
export function effect_html(effect) {
	if (!effect) return "";
	const { currency } = effect;
	const rows = [
		...effect_row(__("Revenue per Member"), effect.revenue, currency, (value) =>
			money(value, currency),
		),
		...effect_row(
			__("Members with an Invoice"),
			effect.rate,
			__("percentage points"),
			(value) => number(value, 1),
		),
	];
	const heads = [
		"",
		`#${__("More than Control Group")}`,
		`#${__("At least")}`,
		`#${__("At most")}`,
		"",
	];
	const basis = __("Invoices up to {0}, at {1} % confidence.", [
		date(effect.until),
		effect.confidence,
	]);
	return html`<div data-effect class="mb-4">
		<h5>${__("Lift of the Campaign")}</h5>
		${rows.length > 0 && html`<div style="${WIDTH}">${table_html(heads, rows)}</div>`}
		<p>${effect.sentence} ${effect.rate_sentence}</p>
		<p class="text-muted small">${basis} ${effect.method}</p>
	</div>`;
}
