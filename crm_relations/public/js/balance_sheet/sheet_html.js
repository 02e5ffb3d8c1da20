// The balance sheet of a campaign as HTML: accounts of both sides, the difference from ERPNext's own, and its reasons.

import { date, money } from "../lib/format.js";
import { html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const side_labels = () => ({
	Asset: __("Assets"),
	Liability: __("Liabilities"),
	Equity: __("Equity"),
	Income: __("Income"),
	Expense: __("Expenses"),
});
/** Why ERPNext has nothing to compare with. */
const state_texts = () => ({
	off: __(
		"ERPNext's ledger carries no campaigns, so there is nothing to compare. To change this: Relation Settings, Report Campaigns in the Ledger.",
	),
	disabled: __(
		"The Accounting Dimension is disabled: ERPNext does not filter by campaign, and what is posted now carries none.",
	),
	closed: __("ERPNext's balance sheet requires the permission to read the ledger (GL Entry)."),
	"no-year": __("ERPNext has no fiscal year for this day and cannot create a balance sheet."),
});
const TOTAL = "background: var(--subtle-fg); border-top: 2px solid var(--text-color)";

export const is_zero = (amount) => amount === null || Number(amount) === 0;

/** Return one voucher: date, link and amount. */
export function voucher_html({ date: day, voucher_type, voucher_no, amount }, currency) {
	return html`${date(day)} ${__(voucher_type)} ${link_html(voucher_type, voucher_no)}
	${money(amount, currency)}`;
}

/** The sheet of an answer of the server. */
export class Sheet {
	constructor(sheet) {
		Object.assign(this, sheet);
		this.compared = sheet.state === "on";
	}

	money(amount) {
		return money(amount, this.currency);
	}

	markup() {
		const gain = Number(this.profit.ours) < 0 ? __("Loss") : __("Profit");
		return html`${this.title()}${this.verdict()}${this.state_note()}
			${this.table(this.balance_rows(gain))}
			<h5>${__("Profit and Loss")}</h5>
			${this.table(this.profit_rows(gain))}${this.profit_note()}`;
	}

	title() {
		const facts = [
			this.company,
			__("As of {0}", [date(this.to_date)]),
			__("Amounts in {0}", [this.currency]),
		];
		return html`<h4 style="overflow-wrap: anywhere">
				${__("Campaign Balance Sheet")}: ${this.campaign}
			</h4>
			<p class="text-muted">${facts.join(" · ")}</p>`;
	}

	/** Say whether the sheet balances; where it does not, that is an error and names its vouchers. */
	verdict() {
		const rest = this.money(this.difference);
		if (is_zero(this.difference) && !this.problems.length) {
			return html`<p>
				<span class="indicator-pill green" data-balanced="1"
					>${__("Balanced: difference {0}", [rest])}</span
				>
			</p>`;
		}
		const vouchers = this.problems.map(
			({ voucher_type, voucher_no, account, difference }) =>
				html`<li>
					${__(voucher_type)} ${link_html(voucher_type, voucher_no)} ${account}:
					${this.money(difference)}
				</li>`,
		);
		return html`<p>
				<span class="indicator-pill red" data-balanced="0"
					>${__("Not balanced: difference {0}", [rest])}</span
				>
			</p>
			<ul>
				${vouchers}
			</ul>`;
	}

	state_note() {
		if (this.compared) return "";
		return html`<p class="text-muted" data-state="${this.state}">
			${state_texts()[this.state]}
		</p>`;
	}

	table(rows) {
		const heads = [__("Account"), `#${__("Campaign")}`];
		if (this.compared) heads.push("#ERPNext", `#${__("Difference")}`);
		return html`<div class="campaign-balance-sheet">${table_html(heads, rows)}</div>`;
	}

	balance_rows(gain) {
		const [assets, ...others] = this.sides;
		const shown = others.filter((side) => side.accounts.length || side.root_type !== "Equity");
		const other_side = __("Total Liabilities, Equity and Profit");
		return [
			this.group(assets),
			this.line(__("Total Assets"), assets, "total-assets", TOTAL),
			...shown.map((side) => this.group(side)),
			this.line(gain, this.profit, "profit"),
			this.line(other_side, this.other_side, "total-others", TOTAL),
		];
	}

	/** Return how the profit comes about: income less expenses. */
	profit_rows(gain) {
		const { ours, of_ledger, groups } = this.profit;
		return [
			...groups.map((side) => this.group(side)),
			this.line(gain, { ours, theirs: of_ledger }, "profit-total", TOTAL),
		];
	}

	profit_note() {
		const { theirs, of_ledger } = this.profit;
		if (!this.compared || theirs === of_ledger) return "";
		const text = __(
			"ERPNext treats the excess of assets over liabilities as profit: {0}. Its income and expense rows with this campaign add up to {1}.",
			[this.money(theirs), this.money(of_ledger)],
		);
		return html`<p class="text-muted">${text}</p>`;
	}

	group(side) {
		const label = side_labels()[side.root_type];
		return html`${this.line(label, side, side.root_type)}
		${side.accounts.map((row) => this.account(row))}`;
	}

	line(label, amounts, name, style = "") {
		return html`<tr class="font-weight-bold" data-line="${name}" style="${style}">
			<td>${label}</td>
			${this.amount_cells(amounts)}
		</tr>`;
	}

	amount_cells({ ours, theirs }) {
		const cell = (amount, color) =>
			html`<td
				class="text-right text-nowrap"
				style="${color && `color: var(--text-on-${color})`}"
			>
				${this.money(amount)}
			</td>`;
		if (!this.compared) return cell(ours);
		const rest = (Number(ours) - Number(theirs)).toFixed(2);
		return [cell(ours), cell(theirs), cell(rest, !is_zero(rest) && "orange")];
	}

	account(row) {
		const vouchers = row.vouchers.length > 0 && this.vouchers(row, row.account);
		return html`<tr data-account="${row.account}">
			<td style="padding-left: 1.5rem">
				${row.account} ${vouchers} ${row.reasons.map((reason) => this.reason(reason))}
			</td>
			${this.amount_cells(row)}
		</tr>`;
	}

	reason(reason) {
		const repairable = html`<span class="indicator-pill orange">${__("Repairable")}</span>`;
		return html`<div class="small" data-reason="${reason.code}" style="margin-left: 1rem">
			<b>${this.money(reason.amount)}</b> ${reason.text} ${reason.repairable && repairable}
			${this.vouchers(reason, null)}
		</div>`;
	}

	/** Return the vouchers behind an account, or behind a reason; a single voucher of a reason has the amount of the reason. */
	vouchers({ vouchers, count }, account) {
		if (count === 1) {
			const [only] = vouchers;
			const shown = account ? only : { ...only, amount: null };
			return html`<div class="small text-muted">${voucher_html(shown, this.currency)}</div>`;
		}
		return html`<details class="small">
			<summary class="text-muted">${__("{0} vouchers", [count])}</summary>
			<ul class="list-unstyled" style="margin-left: 1rem">
				${this.voucher_items(vouchers)}${this.more_item(count, vouchers.length, account)}
			</ul>
		</details>`;
	}

	voucher_items(vouchers) {
		return vouchers.map((row) => html`<li>${voucher_html(row, this.currency)}</li>`);
	}

	more_item(count, shown, account) {
		if (count <= shown) return "";
		if (!account) {
			return html`<li class="text-muted">${__("and {0} more", [count - shown])}</li>`;
		}
		return html`<li>
			<a href="#" data-all="${account}">${__("All {0} vouchers", [count])}</a>
		</li>`;
	}
}
