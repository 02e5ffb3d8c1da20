// The campaigns that earned the lines of a posted invoice, with the way to the statement.

import { api } from "../lib/api.js";
import { currency_of, money } from "../lib/format.js";
import { fill_html, html, joined_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";
import { explain } from "./explanation.js";

/** Show the campaigns above the form of an invoice, and add the buttons that explain them. */
export async function show_campaigns(frm) {
	const invoice = frm.doc.name;
	const rows = await api("crm_relations.ledger.api").post("campaigns_of_invoice", { invoice });
	const is_shown = frm.doc.name === invoice && frm.doc.docstatus === 1;
	if (!rows.length || !is_shown) return;
	const currency = currency_of(frm.doc.company);
	const earned = rows.map(
		({ campaign, amount }) =>
			html`${link_html("Relation Campaign", campaign)} ${money(amount, currency)}`,
	);
	const comment_html = fill_html(__("Revenue of campaigns: {0}"), [joined_html(earned, ", ")]);
	frm.dashboard.add_comment(String(comment_html), "blue", true);
	frm.add_custom_button(__("Why This Campaign?"), () => explain(frm.doc), __("View"));
	if (frappe.model.can_read("Relation Attribution")) {
		frm.add_custom_button(
			__("Campaign Statement"),
			() =>
				frappe.set_route("query-report", "Campaign Statement", {
					company: frm.doc.company,
					from_date: frm.doc.posting_date,
					to_date: frappe.datetime.get_today(),
				}),
			__("View"),
		);
	}
}
