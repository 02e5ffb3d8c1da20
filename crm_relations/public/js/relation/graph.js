// The relationships of a relation: a small graph, the list of its links, and the group of companies with its figures.

import { api } from "../lib/api.js";
import { date, money } from "../lib/format.js";
import { html, joined_html, show_html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";
import { graph_html } from "./graph_svg.js";
import { add_link } from "./new_link.js";

const relations = api("crm_relations.relations.api");
const FIGURES = ["revenue_12_months", "open_amount", "overdue_amount"];

function link_row({ name, reads, other, other_name, since, until, notes }) {
	const has_ended = until && until <= frappe.datetime.get_today();
	return html`<tr class="${has_ended && "text-muted"}">
		<td>${reads}</td>
		<td>${link_html("Relation", other, other_name)}</td>
		<td>${date(since)}</td>
		<td>${date(until)}</td>
		<td>${notes}</td>
		<td class="text-right">${link_html("Relation Link", name, __("Edit"))}</td>
	</tr>`;
}

function links_html(links) {
	if (!links.length) return html`<p class="text-muted mt-3">${__("No relationships yet.")}</p>`;
	const heads = [__("Relationship"), __("Relation"), __("Since"), __("Until"), __("Notes"), ""];
	return html`<div class="mt-3">${table_html(heads, links.map(link_row))}</div>`;
}

/** Return a cell for each figure, with a line for each company. */
function amounts(rows) {
	return FIGURES.map((figure) => {
		const lines = rows.map((row) => money(row[figure], row.currency));
		return html`<td class="text-right">${joined_html(lines, html`<br />`)}</td>`;
	});
}

function member_row(member, name, with_figures) {
	return html`<tr class="${member.name === name && "font-weight-bold"}">
		<td style="padding-left: ${0.5 + member.level * 1.5}em">
			${link_html("Relation", member.name, member.relation_name)}
		</td>
		<td>${member.stage && __(member.stage)}</td>
		${with_figures && amounts(member.figures)}
	</tr>`;
}

function total_row(total, several) {
	const label = several ? __("Total of {0}", [total.company]) : __("Total");
	return html`<tr class="font-weight-bold">
		<td colspan="2">${label}</td>
		${amounts([total])}
	</tr>`;
}

function group_html(group, name) {
	const heads = [__("Company"), __("Stage")];
	if (group.figures) {
		heads.push(
			`#${__("Revenue of the Last 12 Months")}`,
			`#${__("Open")}`,
			`#${__("Overdue")}`,
		);
	}
	const rows = [
		...group.members.map((member) => member_row(member, name, group.figures)),
		...group.totals.map((total) => total_row(total, group.totals.length > 1)),
	];
	const notes = [
		group.hidden > 0 &&
			__("{0} members of the group are hidden: you may not read them.", [cint(group.hidden)]),
		group.cut && __("Not all are shown here."),
	].filter(Boolean);
	return html`<div class="mt-3">${table_html(heads, rows)}</div>
		${notes.map((note) => html`<p class="text-muted small">${note}</p>`)}`;
}

const add_button = () =>
	html`<button type="button" class="btn btn-default btn-sm" data-action="add">
		${__("New Relationship")}
	</button>`;

async function show(frm) {
	const relation = frm.doc.name;
	const [graph, links, group] = await Promise.all([
		relations.get("relation_graph", { relation }),
		relations.get("links", { relation }),
		relations.get("company_group", { relation }),
	]);
	if (frm.doc.name !== relation) return; // another form was opened meanwhile
	const may_add = frappe.model.can_create("Relation Link");
	const $graph = show_html(
		frm.get_field("graph_html").$wrapper,
		html`${graph_html(graph)}${links_html(links)}${may_add && add_button()}`,
	);
	$graph.find("[data-action=add]").on("click", () => add_link(frm, () => show(frm)));
	$graph.find(".relation-node").on("click", (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		event.stopPropagation();
		frappe.set_route("Form", "Relation", event.currentTarget.dataset.name);
	});
	const in_group = group.members.length + group.hidden > 1;
	frm.toggle_display("group_section", in_group);
	show_html(frm.get_field("group_html").$wrapper, in_group ? group_html(group, relation) : "");
}

frappe.ui.form.on("Relation", {
	refresh(frm) {
		for (const fieldname of ["graph_html", "group_html"]) {
			frm.get_field(fieldname).$wrapper.empty();
		}
		if (!frm.is_new()) show(frm);
	},
});
