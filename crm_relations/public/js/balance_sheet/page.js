// The page with the balance sheet of a campaign next to ERPNext's own:
// /app/campaign-balance-sheet/CAMPAIGN?company=…&to_date=…

import { api } from "../lib/api.js";
import { html, show_html } from "../lib/html.js";
import { query_of } from "../lib/links.js";
import { preview_repair } from "./repair.js";
import { Sheet } from "./sheet_html.js";

const ROUTE = "campaign-balance-sheet";
const ledger = api("crm_relations.ledger.api");

class BalanceSheetPage {
	constructor(wrapper) {
		this.page = wrapper.page;
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
		this.$body.on("click", "[data-all]", (event) => {
			event.preventDefault();
			this.show_all(event.currentTarget);
		});
	}

	/** Open the sheet as a file. */
	file(kind, language) {
		if (!this.asked?.campaign) return;
		const query = query_of({ ...this.asked, language });
		window.open(
			frappe.urllib.get_full_url(
				`/api/method/${ledger.module}.balance_sheet_${kind}?${query}`,
			),
		);
	}

	/** Show what the address says; the fields follow it without asking again. */
	async open() {
		const [, ...rest] = frappe.get_route();
		const options = frappe.route_options || {};
		frappe.route_options = null;
		const { company, to_date } = this.fields;
		const wanted = {
			campaign: rest.join("/"),
			company:
				options.company ||
				company.get_value() ||
				frappe.defaults.get_user_default("Company"),
			to_date: options.to_date || to_date.get_value() || frappe.datetime.get_today(),
		};
		this.asked = null;
		for (const [name, value] of Object.entries(wanted)) {
			await this.fields[name].set_value(value || "");
		}
		this.asked = wanted;
		this.load();
	}

	chosen() {
		if (!this.asked) return; // the fields are being filled
		const now = {};
		for (const name of Object.keys(this.fields)) now[name] = this.fields[name].get_value();
		const is_same = (name) => (now[name] || "") === (this.asked[name] || "");
		if (Object.keys(now).every(is_same)) return;
		if (now.campaign && !is_same("campaign")) {
			frappe.set_route(ROUTE, now.campaign);
			return;
		}
		this.asked = now;
		this.load();
	}

	async load() {
		const { asked } = this;
		this.page.clear_primary_action();
		if (!asked.campaign) {
			this.say(__("Choose a campaign to see its assets and liabilities."));
			return;
		}
		this.say(__("Loading..."));
		try {
			const answer = await ledger.get("balance_sheet", asked);
			if (asked === this.asked) this.draw(answer);
		} catch {
			// the desk has shown the server's reason
			if (asked === this.asked) {
				this.say(__("The balance sheet of {0} cannot be shown.", [asked.campaign]));
			}
		}
	}

	say(text) {
		show_html(this.$body, html`<p class="text-muted">${text}</p>`);
	}

	draw(answer) {
		this.sheet = new Sheet(answer);
		show_html(this.$body, this.sheet.markup());
		if (answer.may_repair && answer.repairable) {
			this.page.set_primary_action(__("Repair ({0})", [answer.repairable]), () =>
				preview_repair(this.asked, () => this.load()),
			);
		}
	}

	/** Replace the first vouchers of an account by all of them. */
	async show_all(anchor) {
		const { sheet } = this;
		const args = { ...this.asked, account: anchor.dataset.all };
		const { vouchers } = await ledger.get("balance_sheet", args);
		show_html($(anchor).closest("ul"), html`${sheet.voucher_items(vouchers)}`);
	}
}

/** Show the sheet that the address names; the fields of the page are made once. */
export function show(wrapper) {
	wrapper.balance_sheet ||= new BalanceSheetPage(wrapper);
	wrapper.balance_sheet.open();
}
