// "Why is … a Member?": each condition of a segment's rule with its verdict for one relation.

import { date } from "../lib/format.js";
import { rule_grammar, SegmentPin } from "../lib/enums.js";
import { html, joined_html, show_html } from "../lib/html.js";
import { tab_link_html } from "../lib/links.js";
import { segments_api } from "./requests.js";

function verdict(value) {
	if (value === null) return html`<span class="indicator-pill gray">${__("closed")}</span>`;
	return value
		? html`<span class="indicator-pill green">${__("yes")}</span>`
		: html`<span class="indicator-pill red">${__("no")}</span>`;
}

function documents(node) {
	const links = node.documents.map(
		({ doctype, name, text }) =>
			html`${tab_link_html(doctype, name)} <span class="text-muted">${text}</span>`,
	);
	if (node.more) {
		links.push(html`<span class="text-muted">${__("{0} more", [cint(node.more)])}</span>`);
	}
	if (!links.length) return "";
	return html`<div class="small ml-3">${joined_html(links, html`<br />`)}</div>`;
}

function condition(node) {
	const value = node.hidden
		? __("You may not read what this rests on.")
		: __("Value: {0}", [node.value]);
	return html`<li class="mb-2">
		${verdict(node.verdict)} ${node.words}
		<div class="small text-muted ml-3">${value}</div>
		${documents(node)}
	</li>`;
}

function tree(node) {
	if (!node.children) return condition(node);
	if (!node.children.length) {
		return html`<p>${__("The rule has no condition: every relation is in it.")}</p>`;
	}
	return html`<li class="mb-2">
		${verdict(node.verdict)} <b>${rule_grammar().groups[node.kind]}</b>
		<ul class="list-unstyled ml-4 mt-2">
			${node.children.map(tree)}
		</ul>
	</li>`;
}

function dates(answer) {
	if (answer.member) {
		const entered = date(answer.entered);
		return answer.added_by
			? __("In the segment since {0}, added by {1}.", [entered, answer.added_by])
			: __("In the segment since {0}.", [entered]);
	}
	return answer.left_on
		? __("Not in the segment; left on {0}.", [date(answer.left_on)])
		: __("Not in the segment.");
}

/** Pins, suppressing segments and the sample take precedence over the rule. */
function precedence(answer) {
	const reasons = [];
	const { pin, reason, kept_out_by, selected } = answer.standing;
	if (pin === SegmentPin.ALWAYS_IN) reasons.push(__("Pinned: always in."));
	if (pin === SegmentPin.NEVER_IN) reasons.push(__("Pinned: never in."));
	if (pin && reason) reasons.push(reason);
	if (!pin && kept_out_by.length) reasons.push(__("Excluded by: {0}.", [kept_out_by.join(", ")]));
	if (!pin && !kept_out_by.length && answer.sample && answer.rule.verdict && !selected) {
		reasons.push(__("The rule matches, but the relation is not in the sample."));
	}
	return reasons.length ? html`<p>${reasons.join(" ")}</p>` : "";
}

function next_refresh(answer) {
	const { selected } = answer.standing;
	if (selected === answer.member) return "";
	return html`<p class="text-warning">
		${selected
			? __("The next refresh adds the relation.")
			: __("The next refresh removes the relation.")}
	</p>`;
}

function rule(answer) {
	return html`${precedence(answer)}${next_refresh(answer)}
		<ul class="list-unstyled">
			${tree(answer.rule)}
		</ul>`;
}

/** Show in an element why a relation is in a segment, or not. */
export async function explain($answer, segment, relation) {
	$answer.empty();
	if (!relation || !segment) return;
	const answer = await segments_api.get("explain", { segment, relation });
	show_html(
		$answer,
		html`<p>${dates(answer)}</p>
			${answer.rule && rule(answer)}`,
	);
}
