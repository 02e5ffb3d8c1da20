// The figures of a relation: fills the HTML field `facts_html`. Every figure that comes from documents links to them.

import { api } from "../lib/api.js";
import { date, money, number } from "../lib/format.js";
import { escape, html, show_html, table_html } from "../lib/html.js";

const facts_api = api("crm_relations.relations.facts.api");

// [heading, [[figure, label, how it is written]]]
const BY_COMPANY = () => [
	[
		__("Revenue"),
		[
			["revenue_12_months", __("Revenue of the Last 12 Months"), money],
			["revenue_24_months", __("Revenue of the Last 24 Months"), money],
			["revenue_total", __("Total Revenue"), money],
			["margin_12_months", __("Margin of the Last 12 Months"), margin],
			["credit_notes_12_months", __("Credit Notes of the Last 12 Months"), money],
			["returns", __("Returns"), (value) => number(value)],
		],
	],
	[
		__("Orders"),
		[
			["orders", __("Orders"), (value) => number(value)],
			["rhythm_days", __("Days between Orders"), (value) => number(value, 1)],
			["first_order", __("First Order"), date],
			["last_order", __("Last Order"), date],
			["open_quotations", __("Open Quotations"), with_amount("open_quotations_amount")],
			[
				"open_opportunities",
				__("Open Opportunities"),
				with_amount("open_opportunities_amount"),
			],
		],
	],
	[
		__("Receivables"),
		[
			["open_amount", __("Outstanding Amount"), money],
			["overdue_amount", __("Overdue Amount"), money],
			["overdue_since", __("Overdue Since"), date],
			[
				"days_sales_outstanding",
				__("Days Sales Outstanding (DSO)"),
				(value) => number(value, 1),
			],
		],
	],
	[
		__("Classes"),
		[
			["recency_class", __("Recency Class"), of_five],
			["frequency_class", __("Frequency Class"), of_five],
			["monetary_class", __("Monetary Class"), of_five],
		],
	],
];
const CONTACTS = () => [
	[
		__("Last Contact by Channel"),
		[
			["last_contact", __("Last Contact"), date],
			["last_call", __("Last Call"), date],
			["last_email", __("Last Email"), date],
			["last_letter", __("Last Letter"), date],
			["last_meeting", __("Last Meeting"), date],
			["last_visit", __("Last Visit"), date],
		],
	],
	[
		__("Complaints"),
		[
			["complaints", __("Complaints"), (value) => number(value)],
			["open_complaints", __("Open Complaints"), (value) => number(value)],
			["last_complaint", __("Last Complaint"), date],
		],
	],
	[
		__("Campaign Responses"),
		[
			["campaign_responses", __("Campaign Responses"), (value) => number(value)],
			["positive_responses", __("Positive Responses"), (value) => number(value)],
			["last_response", __("Last Response"), date],
		],
	],
];

function margin(value, currency, row) {
	const known = __("of {0} with known cost", [money(row.margin_base_12_months, currency)]);
	return html`${money(value, currency)} <span class="text-muted small">${known}</span>`;
}

function with_amount(figure) {
	return (value, currency, row) => {
		const amount = row[figure];
		return number(value) + (value && amount !== null ? ` · ${money(amount, currency)}` : "");
	};
}

function of_five(value) {
	return value ? __("{0} of 5", [number(value)]) : "";
}

const is_known = (value) => value !== undefined && value !== null && value !== "";

function line([figure, label, text], company) {
	const hint = __("Show the documents");
	return html`<div class="d-flex justify-content-between py-1 border-bottom">
		<span class="text-muted mr-3">${label}</span>
		<a
			href="#"
			class="text-right text-nowrap"
			data-figure="${figure}"
			data-company="${company}"
			title="${hint}"
			>${text}</a
		>
	</div>`;
}

function block([heading, figures], row, company) {
	const shown = figures
		.filter(([figure]) => is_known(row[figure]))
		.map(([figure, label, write]) => [figure, label, write(row[figure], row.currency, row)])
		.filter(([, , text]) => text);
	if (!shown.length) return "";
	return html`<div class="col-sm-6 col-lg-3 mb-4">
		<h6 class="mb-2">${heading}</h6>
		${shown.map((figure) => line(figure, company))}
	</div>`;
}

function blocks(groups, row, company) {
	return html`<div class="row">${groups.map((group) => block(group, row, company))}</div>`;
}

function item_groups(groups, company) {
	const rows = groups.filter((row) => row.company === company);
	if (!rows.length) return "";
	const lines = rows.map(
		({ item_group, amount, currency, last_bought }) =>
			html`<tr>
				<td>${item_group}</td>
				<td class="text-right">${money(amount, currency)}</td>
				<td class="text-right">${date(last_bought)}</td>
			</tr>`,
	);
	const heads = [__("Item Group"), `#${__("Amount")}`, `#${__("Last Bought")}`];
	return html`<div style="max-width: 40em">${table_html(heads, lines)}</div>`;
}

function figures_html(found) {
	const companies = found.companies.map(
		(row) =>
			html`<h5 class="mb-3">${row.company}</h5>
				${blocks(BY_COMPANY(), row, row.company)}
				${item_groups(found.item_groups, row.company)}`,
	);
	const has_contacts = Object.keys(found.contacts).length > 0;
	const stale = __("Figures are being recomputed; the values shown are older.");
	return html`${!found.current && html`<p class="text-muted">${stale}</p>`}
	${companies}${has_contacts && blocks(CONTACTS(), found.contacts, "")}
	${!companies.length && !has_contacts && html`<p class="text-muted">${__("Nothing yet.")}</p>`}`;
}

function open(listing) {
	if (listing.is_report) {
		frappe.set_route("query-report", listing.doctype, listing.filters);
		return;
	}
	const is_sum = listing.adds_up && listing.adds_up !== "name";
	frappe.route_options = listing.filters;
	frappe.set_route("List", listing.doctype, is_sum ? "Report" : "List");
	if (!is_sum) return;
	frappe.model.with_doctype(listing.doctype, () => {
		const column = escape(__(frappe.meta.get_label(listing.doctype, listing.adds_up)));
		frappe.show_alert(
			{
				message: __("The figure is the sum of the column {0}.", [column]),
				indicator: "blue",
			},
			10,
		);
	});
}

async function show_documents(relation, figure, company) {
	const listings = await facts_api.post("documents", { relation, figure, company });
	if (!listings.length) {
		frappe.show_alert({
			message: __("No documents are behind this figure."),
			indicator: "gray",
		});
	} else if (listings.length === 1) {
		open(listings[0]);
	} else {
		const dialog = new frappe.ui.Dialog({
			title: __("Documents"),
			fields: [{ fieldname: "html", fieldtype: "HTML" }],
		});
		const buttons = listings.map((listing) =>
			$(`<button type="button" class="btn btn-default btn-sm mr-2"></button>`)
				.text(__(listing.doctype))
				.on("click", () => {
					dialog.hide();
					open(listing);
				}),
		);
		dialog.get_field("html").$wrapper.append(buttons);
		dialog.show();
	}
}

async function show(frm) {
	const $root = frm.get_field("facts_html").$wrapper.empty();
	const relation = frm.doc.name;
	const found = await facts_api.post("facts", { relation });
	if (frm.doc.name !== relation) return; // another file was opened meanwhile
	show_html($root, figures_html(found));
	$root.find("[data-figure]").on("click", (event) => {
		event.preventDefault();
		const { figure, company } = event.currentTarget.dataset;
		show_documents(relation, figure, company);
	});
}

frappe.ui.form.on("Relation", {
	refresh(frm) {
		if (frm.is_new()) frm.get_field("facts_html").$wrapper.empty();
		else show(frm);
	},
});
