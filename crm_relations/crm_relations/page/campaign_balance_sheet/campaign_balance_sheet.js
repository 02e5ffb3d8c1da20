// The balance sheet of a campaign beside ERPNext's own, with what makes them differ:
// /app/campaign-balance-sheet/CAMPAIGN?company=…&to_date=…
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const API = "crm_relations.ledger.api.";
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const SIDES = {
		Asset: __("Assets"),
		Liability: __("Liabilities"),
		Equity: __("Equity"),
		Income: __("Income"),
		Expense: __("Expenses"),
	};
	//: why there is nothing of ERPNext's beside ours
	const STATES = {
		off: __(
			"ERPNext's ledger carries no campaigns, so that there is nothing of its own to compare. Whoever wants that: Relation Settings, Report Campaigns in the Ledger.",
		),
		disabled: __(
			"The Accounting Dimension is disabled: ERPNext does not filter by campaign, and what is posted now carries none.",
		),
		closed: __("ERPNext's own balance sheet is for those who may read the ledger (GL Entry)."),
		"no-year": __("ERPNext has no fiscal year for this day, and makes no balance sheet of it."),
	};

	// an amount comes as a decimal string; read as text in the site's number format its point would count as a group
	const money = (amount, currency) =>
		amount === null ? "" : strip_html(format_currency(Number(amount), currency));
	const is_zero = (amount) => amount === null || Number(amount) === 0;
	const date = (value) => (value ? frappe.datetime.str_to_user(value) : "");
	const link = (doctype, name) =>
		`<a href="${escape(frappe.utils.get_form_link(doctype, name))}">${escape(name)}</a>`;
	const cell = (html, color) =>
		`<td class="text-right text-nowrap"${
			color ? ` style="color: var(--text-on-${color})"` : ""
		}>${html}</td>`;

	class BalanceSheetPage {
		constructor(wrapper) {
			this.page = frappe.ui.make_app_page({
				parent: wrapper,
				title: __("Campaign Balance Sheet"),
				single_column: true,
			});
			this.$body = $('<div style="padding: 15px"></div>').appendTo(this.page.main);
			const field = (df) => this.page.add_field({ ...df, change: () => this.chosen() });
			this.fields = {
				campaign: field({
					fieldname: "campaign",
					label: __("Relation Campaign"),
					fieldtype: "Link",
					options: "Relation Campaign",
				}),
				company: field({
					fieldname: "company",
					label: __("Company"),
					fieldtype: "Link",
					options: "Company",
				}),
				to_date: field({ fieldname: "to_date", label: __("To Date"), fieldtype: "Date" }),
			};
			this.page.add_menu_item(__("Print as PDF in German"), () => this.file("pdf", "de"));
			this.page.add_menu_item(__("Print as PDF in English"), () => this.file("pdf", "en"));
			this.page.add_menu_item(__("Export as csv"), () => this.file("csv"));
			this.$body.on("click", "[data-all]", (event) => this.show_all(event.currentTarget));
		}

		// the sheet as a file, without what the page offers to do
		file(kind, language) {
			if (!this.asked?.campaign) return;
			const asked = { ...this.asked, ...(language ? { language } : {}) };
			for (const key of Object.keys(asked)) if (!asked[key]) delete asked[key];
			window.open(
				frappe.urllib.get_full_url(
					`/api/method/${API}balance_sheet_${kind}?${new URLSearchParams(asked)}`,
				),
			);
		}

		// what the address says; the fields follow it without asking again
		async open() {
			const [, ...rest] = frappe.get_route();
			const options = frappe.route_options || {};
			frappe.route_options = null;
			const wanted = {
				campaign: rest.join("/"),
				company:
					options.company ||
					this.fields.company.get_value() ||
					frappe.defaults.get_user_default("Company"),
				to_date:
					options.to_date ||
					this.fields.to_date.get_value() ||
					frappe.datetime.get_today(),
			};
			this.asked = null;
			for (const [name, value] of Object.entries(wanted))
				await this.fields[name].set_value(value || "");
			this.asked = wanted;
			this.load();
		}

		chosen() {
			if (!this.asked) return; // the fields are being filled
			const now = {};
			for (const name of Object.keys(this.fields)) now[name] = this.fields[name].get_value();
			if (Object.keys(now).every((name) => (now[name] || "") === (this.asked[name] || "")))
				return;
			if (now.campaign && now.campaign !== this.asked.campaign)
				frappe.set_route("campaign-balance-sheet", now.campaign);
			else {
				this.asked = now;
				this.load();
			}
		}

		async load() {
			const asked = this.asked;
			this.page.clear_primary_action();
			if (!asked.campaign) {
				this.say(
					__("Choose a campaign to see what it put on each side of the balance sheet."),
				);
				return;
			}
			this.say(__("Loading..."));
			try {
				const sheet = await frappe.xcall(API + "balance_sheet", asked, "GET");
				if (asked === this.asked) this.draw(sheet);
			} catch (error) {
				if (asked === this.asked)
					this.say(
						__("The balance sheet of {0} cannot be shown.", [escape(asked.campaign)]),
					);
			}
		}

		say(html) {
			this.$body.html(`<p class="text-muted">${html}</p>`);
		}

		draw(sheet) {
			this.sheet = sheet;
			const amount = (value) => money(value, sheet.currency);
			const both = sheet.state === "on";
			const note = both
				? ""
				: `<p class="text-muted" data-state="${escape(sheet.state)}">${escape(
						STATES[sheet.state],
				  )}</p>`;
			const line = (label, { ours, theirs }, name, style = "") =>
				`<tr class="font-weight-bold" data-line="${name}" style="${style}"><td>${label}</td>${cell(
					amount(ours),
				)}${both ? cell(amount(theirs)) + this.difference(ours, theirs) : ""}</tr>`;
			const total = (...row) =>
				line(...row, "background: var(--subtle-fg); border-top: 2px solid var(--text-color)");
			const group = (side) =>
				line(SIDES[side.root_type], side, side.root_type) +
				side.accounts.map((row) => this.account(row)).join("");
			const [assets, ...others] = sheet.sides;
			const gain = Number(sheet.profit.ours) < 0 ? __("Loss") : __("Profit");
			const rows = [
				group(assets),
				total(__("Total Assets"), assets, "total-assets"),
				...others
					.filter((side) => side.accounts.length || side.root_type !== "Equity")
					.map(group),
				line(gain, sheet.profit, "profit"),
				total(__("Total Liabilities, Equity and Profit"), sheet.other_side, "total-others"),
			].join("");
			// how the profit comes about: income less expenses
			const profit = [
				...sheet.profit.groups.map(group),
				total(
					gain,
					{ ours: sheet.profit.ours, theirs: sheet.profit.of_ledger },
					"profit-total",
				),
			].join("");
			const title = `<h4 style="overflow-wrap: anywhere">${__("Campaign Balance Sheet")}: ${escape(
				sheet.campaign,
			)}</h4><p class="text-muted">${escape(sheet.company)} · ${__("As of {0}", [
				date(sheet.to_date),
			])} · ${__("Amounts in {0}", [escape(sheet.currency)])}</p>`;
			const unlike =
				both && sheet.profit.theirs !== sheet.profit.of_ledger
					? `<p class="text-muted">${__(
							"ERPNext takes for profit what assets exceed liabilities: {0}. Its rows of income and expense with this campaign come to {1}.",
							[amount(sheet.profit.theirs), amount(sheet.profit.of_ledger)],
					  )}</p>`
					: "";
			const head = [
				__("Account"),
				__("Campaign"),
				both && "ERPNext",
				both && __("Difference"),
			]
				.filter(Boolean)
				.map(
					(label, i) =>
						`<th class="${i ? "text-right" : ""}" style="${
							i ? "width: 9rem" : ""
						}">${label}</th>`,
				)
				.join("");
			const table = (content) =>
				`<table class="table table-sm" style="max-width: 70rem"><thead><tr>${head}</tr></thead>
				<tbody>${content}</tbody></table>`;
			this.$body.html(`${title}${this.verdict()}${note}${table(rows)}
				<h5>${__("Profit and Loss")}</h5>${table(profit)}${unlike}`);
			if (sheet.may_repair && sheet.repairable)
				this.page.set_primary_action(__("Repair ({0})", [sheet.repairable]), () =>
					this.preview(),
				);
		}

		difference(ours, theirs) {
			const rest = (Number(ours) - Number(theirs)).toFixed(2);
			return cell(money(rest, this.sheet.currency), is_zero(rest) ? "" : "orange");
		}

		// the sheet balances; where it does not, that is an error and names its vouchers
		verdict() {
			const { sheet } = this;
			if (is_zero(sheet.difference) && !sheet.problems.length)
				return `<p><span class="indicator-pill green" data-balanced="1">${__(
					"Balanced: difference {0}",
					[money(sheet.difference, sheet.currency)],
				)}</span></p>`;
			const vouchers = sheet.problems
				.map(
					(row) =>
						`<li>${escape(__(row.voucher_type))} ${link(
							row.voucher_type,
							row.voucher_no,
						)} ${escape(row.account)}: ${money(row.difference, sheet.currency)}</li>`,
				)
				.join("");
			return `<p><span class="indicator-pill red" data-balanced="0">${__(
				"Not balanced: difference {0}",
				[money(sheet.difference, sheet.currency)],
			)}</span></p><ul>${vouchers}</ul>`;
		}

		account(row) {
			const both = this.sheet.state === "on";
			const reasons = row.reasons
				.map(
					(reason) =>
						`<div class="small" data-reason="${escape(
							reason.code,
						)}" style="margin-left: 1rem">
							<b>${money(reason.amount, this.sheet.currency)}</b> ${escape(reason.text)}
							${reason.repairable ? `<span class="indicator-pill orange">${__("Repairable")}</span>` : ""}
							${this.vouchers(reason, null)}</div>`,
				)
				.join("");
			const opened = row.vouchers.length ? this.vouchers(row, row.account) : "";
			return `<tr data-account="${escape(
				row.account,
			)}"><td style="padding-left: 1.5rem">${escape(row.account)}
				${opened}${reasons}</td>${cell(money(row.ours, this.sheet.currency))}${
				both
					? cell(money(row.theirs, this.sheet.currency)) +
					  this.difference(row.ours, row.theirs)
					: ""
			}</tr>`;
		}

		vouchers({ vouchers, count }, account) {
			if (count === 1)
				return `<div class="small text-muted">${this.voucher(vouchers[0], !account)}</div>`;
			const more = count - vouchers.length;
			const all =
				more > 0
					? account
						? `<li><a href="#" data-all="${escape(account)}">${__("All {0} vouchers", [
								count,
						  ])}</a></li>`
						: `<li class="text-muted">${__("and {0} more", [more])}</li>`
					: "";
			return `<details class="small"><summary class="text-muted">${__("{0} vouchers", [
				count,
			])}</summary><ul class="list-unstyled" style="margin-left: 1rem">${vouchers
				.map((row) => `<li>${this.voucher(row)}</li>`)
				.join("")}${all}</ul></details>`;
		}

		voucher(row, without_amount = false) {
			const amount = without_amount ? "" : money(row.amount, this.sheet.currency);
			return `${date(row.date)} ${escape(__(row.voucher_type))} ${link(
				row.voucher_type,
				row.voucher_no,
			)} ${amount}`;
		}

		async show_all(anchor) {
			const { vouchers } = await frappe.xcall(
				API + "balance_sheet",
				{ ...this.asked, account: anchor.dataset.all },
				"GET",
			);
			$(anchor)
				.closest("ul")
				.html(vouchers.map((row) => `<li>${this.voucher(row)}</li>`).join(""));
			return false;
		}

		async preview() {
			const plans = await frappe.xcall(API + "preview_repair", this.asked, "GET");
			const open = plans.filter((row) => !row.blocked);
			const dialog = new frappe.ui.Dialog({
				title: __("Post vouchers anew with their campaign"),
				size: "large",
				fields: [{ fieldname: "rows", fieldtype: "HTML" }],
				primary_action_label: __("Post {0} anew", [open.length]),
				primary_action: async () => {
					if (!open.length || dialog.posting) return;
					dialog.posting = true;
					dialog.disable_primary_action();
					const answer = await frappe
						.xcall(API + "repair_vouchers", this.asked)
						.finally(() => dialog.hide());
					if (answer.rows) this.tell(answer.rows);
					else frappe.msgprint(escape(answer.message));
					this.load();
				},
			});
			dialog.fields_dict.rows.$wrapper.html(
				`<p>${__(
					"No amount, account, party or date changes. The campaign is set on the document, and ERPNext posts it anew: the old rows stay, cancelled. What is closed or frozen is left alone.",
				)}</p>${this.table(plans, (row) =>
					row.blocked
						? `<span class="text-muted">${escape(row.blocked)}</span>`
						: `<span class="indicator-pill green">${__("Is posted anew")}</span>`,
				)}`,
			);
			if (!open.length) dialog.disable_primary_action();
			dialog.show();
		}

		table(rows, outcome) {
			return `<table class="table table-sm"><thead><tr><th>${__("Date")}</th><th>${__(
				"Voucher",
			)}</th><th>${__("Reason")}</th><th></th></tr></thead><tbody>${rows
				.map(
					(row) =>
						`<tr><td class="text-nowrap">${date(row.date)}</td><td>${escape(
							__(row.voucher_type),
						)} ${link(row.voucher_type, row.voucher_no)}</td><td>${escape(
							row.reason,
						)}</td><td>${outcome(row)}</td></tr>`,
				)
				.join("")}</tbody></table>`;
		}

		tell(rows) {
			frappe.msgprint({
				title: __("Posted anew"),
				wide: true,
				message: this.table(rows, (row) =>
					row.repost
						? link("Repost Accounting Ledger", row.repost)
						: `<span class="text-muted">${escape(row.error || row.blocked)}</span>`,
				),
			});
		}
	}

	frappe.pages["campaign-balance-sheet"].on_page_load = (wrapper) => {
		wrapper.balance_sheet = new BalanceSheetPage(wrapper);
	};
	frappe.pages["campaign-balance-sheet"].on_page_show = (wrapper) => wrapper.balance_sheet.open();
})();
