// The Progress tab of a campaign as HTML: emails, uncertain messages, letters, members, effect, steps.

import { color_of, SendState } from "../lib/enums.js";
import { html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";
import { effect_html, funnel_html } from "./funnel_html.js";
import { letters_html } from "./letters.js";

export function progress_html(answer) {
	const { status, funnel, steps, uncertain, left, currency, effect, notices } = answer;
	return html`${notices.map((notice) => html`<div class="alert alert-warning">${notice}</div>`)}
		<h5>${__("Emails")}</h5>
		<div class="d-flex flex-wrap">${tiles(status)}</div>
		<p class="text-muted">${figures(answer).join(" ")}</p>
		${uncertain_html(uncertain)} ${letters_html(answer)}
		<h5>${__("Members")}</h5>
		${enrollments_html(status)} ${funnel_html(funnel, currency)} ${effect_html(effect)}
		${ended_early(left)}
		<h5>${__("Steps")}</h5>
		${steps_html(steps)}`;
}

function tiles(status) {
	const boxes = [
		["sent", __("Sent"), SendState.SENT],
		["pending", __("Pending"), SendState.PENDING],
		["sending", __("Sending"), SendState.SENDING],
		["uncertain", __("Uncertain"), SendState.UNCERTAIN],
		["failed", __("Failed"), SendState.FAILED],
		["suppressed", __("Suppressed"), SendState.SUPPRESSED],
	];
	return boxes.map(
		([key, label, state]) =>
			html`<div class="border rounded p-3 mr-3 mb-3" style="min-width: 7.5rem">
				<div style="font-size: 1.5rem; font-weight: 600">${status[key]}</div>
				<div class="indicator ${color_of("SendState", state)}">${label}</div>
			</div>`,
	);
}

function figures({ status, due, due_calls }) {
	return [
		__("Due now: emails {0}, calls {1}.", [due, due_calls]),
		__("Calls: {0} open, {1} done, {2} not allowed.", [
			cint(status.calls_open),
			cint(status.calls_done),
			cint(status.calls_suppressed),
		]),
		__("{0} unsubscribed, {1} declined.", [cint(status.unsubscribed), cint(status.declined)]),
		__("{0} bounced, {1} complained, {2} out of office, {3} opened.", [
			cint(status.bounced),
			cint(status.complained),
			cint(status.out_of_office),
			cint(status.opened),
		]),
	];
}

function uncertain_row({ name, relation, relation_name, recipient, reason }) {
	const button = (arrived, label) =>
		html`<button
			class="btn btn-xs btn-default"
			data-arrived="${arrived}"
			data-send="${name}"
			data-recipient="${recipient}"
		>
			${label}
		</button>`;
	return html`<tr>
		<td>${link_html("Relation", relation, relation_name)}</td>
		<td>${recipient}</td>
		<td>${__(reason || "")}</td>
		<td class="text-right text-nowrap">
			${button(1, __("Mark as Sent"))} ${button(0, __("Send again"))}
		</td>
	</tr>`;
}

function uncertain_html(messages) {
	if (!messages.length) return "";
	const hint = __(
		"The connection or the worker ended while these were on their way. They are not sent again by themselves. Look into the mail server's log, then decide.",
	);
	return html`<div class="border rounded p-3 mb-4">
		<h5>${__("Uncertain messages")}</h5>
		<p class="text-muted">${hint}</p>
		<table class="table table-sm">
			<tbody>
				${messages.map(uncertain_row)}
			</tbody>
		</table>
	</div>`;
}

function enrollments_html({ enrollments, members }) {
	if (enrollments <= members) return "";
	const text = __("{0} members were enrolled {1} times in total.", [
		cint(members),
		cint(enrollments),
	]);
	return html`<p class="text-muted">${text}</p>`;
}

function ended_early(left) {
	const reasons = Object.entries(left).map(([reason, count]) => `${__(reason)} ${count}`);
	if (!reasons.length) return "";
	return html`<p class="text-muted">${__("Ended early: {0}", [reasons.join(", ")])}</p>`;
}

const number_cell = (value) => html`<td class="text-right">${value ?? "–"}</td>`;

function delay({ delay_days, delay_hours }) {
	return delay_hours ? __("{0} d {1} h", [delay_days, delay_hours]) : delay_days;
}

function states(counts) {
	return Object.entries(counts).map(
		([state, count]) =>
			html`<span class="indicator-pill ${color_of("SendState", state)} mr-2"
				>${__(state)}: ${count}</span
			>`,
	);
}

function step_row(step) {
	const variant = step.variant && html`<b>${__(step.variant)}</b>`;
	const has_won = step.variant && step.winner === step.variant;
	const counts = [
		step.sent,
		step.delivered,
		step.clicked,
		step.answered,
		step.qualified,
		step.won,
	];
	return html`<tr>
		<td>${step.title} ${variant} ${has_won && "★"}</td>
		<td>${__(step.step_type)}</td>
		${[delay(step), ...counts].map(number_cell)}
		<td>${states(step.states)}</td>
	</tr>`;
}

/** Return the rows of the steps; the result of an A/B test stands below its last variant. */
function steps_html(steps) {
	const heads = [
		__("Title"),
		__("Type"),
		`#${__("Days after Start")}`,
		`#${__("Sent")}`,
		`#${__("Delivered")}`,
		`#${__("Clicked")}`,
		`#${__("Answered")}`,
		`#${__("Qualified")}`,
		`#${__("Won")}`,
		__("State"),
	];
	const rows = steps.map((step, i) => {
		const is_last = steps[i + 1]?.step !== step.step;
		const result = step.result && is_last;
		return html`${step_row(step)}
		${result &&
		html`<tr>
			<td colspan="${heads.length}" class="text-muted">${step.result}</td>
		</tr>`}`;
	});
	return table_html(heads, rows);
}
