// The repair of vouchers that lack their campaign in the ledger: what would change, then the repost.

import { api } from "../lib/api.js";
import { date } from "../lib/format.js";
import { escape, html, show_html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const ledger = api("crm_relations.ledger.api");

function vouchers_html(rows, outcome) {
	const lines = rows.map(
		(row) =>
			html`<tr>
				<td class="text-nowrap">${date(row.date)}</td>
				<td>${__(row.voucher_type)} ${link_html(row.voucher_type, row.voucher_no)}</td>
				<td>${row.reason}</td>
				<td>${outcome(row)}</td>
			</tr>`,
	);
	return table_html([__("Date"), __("Voucher"), __("Reason"), ""], lines);
}

const muted = (text) => html`<span class="text-muted">${text}</span>`;
const planned = ({ blocked }) =>
	blocked
		? muted(blocked)
		: html`<span class="indicator-pill green">${__("To be reposted")}</span>`;
const done = ({ repost, error, blocked }) =>
	repost ? link_html("Repost Accounting Ledger", repost) : muted(error || blocked);

function show_result({ rows, message }) {
	if (!rows) {
		frappe.msgprint(escape(message));
		return;
	}
	const message_html = String(vouchers_html(rows, done));
	frappe.msgprint({ title: __("Reposted"), wide: true, message: message_html });
}

/** Show what a repost would change and carry it out when the user agrees; `after` is called then. */
export async function preview_repair(asked, after) {
	const plans = await ledger.get("preview_repair", asked);
	const open = plans.filter((row) => !row.blocked);
	const dialog = new frappe.ui.Dialog({
		title: __("Repost Vouchers with Their Campaign"),
		size: "large",
		fields: [{ fieldname: "rows", fieldtype: "HTML" }],
		primary_action_label: __("Repost {0}", [open.length]),
		primary_action: async () => {
			if (!open.length || dialog.posting) return;
			dialog.posting = true;
			dialog.disable_primary_action();
			const answer = await ledger.post("repair_vouchers", asked).finally(() => dialog.hide());
			show_result(answer);
			after();
		},
	});
	const explanation = __(
		"No amount, account, party or date changes. The campaign is set on the document, and ERPNext reposts it: the old rows stay, cancelled. Closed or frozen periods are not changed.",
	);
	show_html(
		dialog.fields_dict.rows.$wrapper,
		html`<p>${explanation}</p>
			${vouchers_html(plans, planned)}`,
	);
	if (!open.length) dialog.disable_primary_action();
	dialog.show();
}
