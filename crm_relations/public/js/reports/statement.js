// The Campaign Statement: the way from a row to the vouchers behind it, and the statement as PDF.

import { api } from "../lib/api.js";
import { currency_of, date, money } from "../lib/format.js";
import { escape, fill_html, html } from "../lib/html.js";
import { link_html, query_of, report_url } from "../lib/links.js";
import { chosen } from "./cells.js";

const ledger = api("crm_relations.ledger.api");

/** Open the statement of the current filters as PDF in a language. */
export function print_statement(report, language) {
	const { segment, members_of, presentation_currency, by_account, ...values } =
		report.get_values();
	const query = query_of({
		...values,
		campaigns: JSON.stringify(values.campaigns || []),
		addressed_segment: segment,
		segment: members_of,
		currency: presentation_currency,
		language,
	});
	window.open(frappe.urllib.get_full_url(`/api/method/${ledger.module}.statement_pdf?${query}`));
}

function amount_cell(value, currency) {
	return html`<td class="text-right text-nowrap">${money(value, currency)}</td>`;
}

function voucher_row({ date: day, voucher_type, voucher_no, amount }, currency) {
	return html`<tr>
		<td class="text-nowrap">${date(day)}</td>
		<td>${__(voucher_type)}</td>
		<td>${link_html(voucher_type, voucher_no)}</td>
		${amount_cell(amount, currency)}
	</tr>`;
}

function vouchers_html(row, { vouchers, number, sum }) {
	const currency = currency_of(row.company);
	const what = row.campaign
		? fill_html(__("The share of {0} in each voucher: debit less credit."), [
				html`<b>${row.campaign}</b>`,
		  ])
		: __("Income of each voucher without a campaign: credit less debit.");
	const newest = __("The newest {0} of {1}.", [vouchers.length, cint(number)]);
	const account = row.account && {
		url: report_url("General Ledger", {
			company: row.company,
			account: row.account,
			...chosen("from_date", "to_date"),
		}),
		label: __("The whole account in the General Ledger"),
	};
	return html`<p>${what} ${number > vouchers.length && newest}</p>
		<table class="table table-sm" data-vouchers>
			<tbody>
				${vouchers.map((voucher) => voucher_row(voucher, currency))}
				<tr>
					<th colspan="3">${__("Sum")}</th>
					${amount_cell(sum, currency)}
				</tr>
			</tbody>
		</table>
		${account && html`<a href="${account.url}">${account.label}</a>`}`;
}

/** Show what a campaign has of each voucher behind a row, or the income that no campaign has. */
export async function show_vouchers(link) {
	const row = JSON.parse(link.dataset.drill);
	const { members_of, ...filters } = chosen("from_date", "to_date", "salesperson", "members_of");
	const given = Object.entries(filters).map(([name, value]) => [name, value || null]);
	const answer = await ledger.post("vouchers_of_row", {
		...row,
		...Object.fromEntries(given),
		segment: members_of || null,
	});
	const title = row.account || (row.campaign ? __("Campaign Cost") : link.innerText);
	const message_html = String(vouchers_html(row, answer));
	frappe.msgprint({ title: escape(title), wide: true, message: message_html });
}
