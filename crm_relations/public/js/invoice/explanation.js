// "Why This Campaign?": each campaign of an invoice with its share and what it rests on, the documents before the invoice
// or the answers that a rule counts.

import { api } from "../lib/api.js";
import { currency_of, date, money } from "../lib/format.js";
import { fill_html, html, joined_html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const BY_DOCUMENTS = "Document Flow";
const DOCUMENTS = {
	sales_order: "Sales Order",
	delivery_note: "Delivery Note",
	pos_invoice: "POS Invoice",
	return_against: "Sales Invoice",
	amended_from: "Sales Invoice",
	subscription: "Subscription",
};

function by_documents(evidence) {
	const before = Object.entries(DOCUMENTS)
		.filter(([field]) => evidence[field])
		.map(([field, doctype]) => html`${__(doctype)} ${link_html(doctype, evidence[field])}`);
	if (!before.length) return __("The document carries it.");
	return fill_html(__("The document carries it, from {0}."), [joined_html(before, ", ")]);
}

function answer_item({ name, type, at, weight }) {
	const label = `${__(type)}, ${date(at.slice(0, 19))}`;
	return html`<li>
		${link_html("Relation Campaign Response", name, label)} (${__("weight")} ${Number(weight)})
	</li>`;
}

function by_rule({ answers_of_campaign, answers_in_all, days, answers }) {
	const about = __(
		"{0} of the {1} responses in the {2} days before the invoice are to this campaign.",
		[cint(answers_of_campaign), cint(answers_in_all), cint(days)],
	);
	return html`${about}
		<ul class="mb-0">
			${(answers || []).map(answer_item)}
		</ul>`;
}

function row_html({ campaign, amount, share, rule, evidence }, currency) {
	const is_by_documents = rule === BY_DOCUMENTS;
	return html`<tr>
		<td>${link_html("Relation Campaign", campaign)}</td>
		<td class="text-right">${money(amount, currency)}</td>
		<td class="text-right">${!is_by_documents && `${share} %`}</td>
		<td>${__(rule)}</td>
		<td>${is_by_documents ? by_documents(evidence) : by_rule(evidence)}</td>
	</tr>`;
}

/** Show the explanation of an invoice in a dialog. */
export async function explain({ name, company }) {
	const { campaigns } = await api("crm_relations.ledger.api").get("explain_attribution", {
		invoice: name,
	});
	const heads = [__("Campaign"), `#${__("Amount")}`, `#${__("Share")}`, __("Rule"), __("Reason")];
	const rows = campaigns.map((row) => row_html(row, currency_of(company)));
	const dialog = new frappe.ui.Dialog({ title: __("Why This Campaign?"), size: "extra-large" });
	const body_html = html`<div class="p-3">${table_html(heads, rows)}</div>`;
	dialog.$body.append(String(body_html));
	dialog.show();
}
