// A segment made of the rows of a list.

import { api } from "../lib/api.js";
import { SegmentKind } from "../lib/enums.js";
import { number } from "../lib/format.js";
import { escape } from "../lib/html.js";

const lists_api = api("crm_relations.segments.lists.api");

/** Show how many relations the rows stand for, then ask for the segment: a new one, or an existing manual one. */
export async function make_segment(list) {
	const names = list.get_checked_items(true);
	const rows = {
		doctype: list.doctype,
		names: names.length ? names : null,
		filters: names.length ? null : list.get_filters_for_args(),
	};
	const { doctype } = list;
	const count = await lists_api.post("count_relations", rows);
	const found = __("{0} rows of the list {1}; behind them stand {2} relations.", [
		number(count.rows),
		__(doctype),
		number(count.relations),
	]);
	const bought =
		doctype === "Item" ? ` ${__("These are the customers that bought the items.")}` : "";
	const dialog = new frappe.ui.Dialog({
		title: __("Create Segment from These"),
		fields: [
			{
				fieldname: "found",
				fieldtype: "HTML",
				options: `<p class="rs-found">${escape(found + bought)}</p>`,
			},
			{
				fieldname: "into",
				fieldtype: "Select",
				label: __("Add to"),
				options: [
					{ value: "new", label: __("A new segment") },
					{ value: "old", label: __("An existing manual segment") },
				],
				default: "new",
				reqd: 1,
			},
			{
				fieldname: "segment_name",
				fieldtype: "Data",
				label: __("Segment Name"),
				depends_on: "eval:doc.into=='new'",
				mandatory_depends_on: "eval:doc.into=='new'",
			},
			{
				fieldname: "segment",
				fieldtype: "Link",
				options: "Relation Segment",
				label: __("Segment"),
				only_select: 1,
				get_query: () => ({ filters: { kind: SegmentKind.MANUAL } }),
				depends_on: "eval:doc.into=='old'",
				mandatory_depends_on: "eval:doc.into=='old'",
			},
		],
		primary_action_label: __("Create Segment"),
		primary_action: async ({ into, segment_name, segment }) => {
			const answer =
				into === "new"
					? await lists_api.post("make_segment", { segment_name, ...rows })
					: await lists_api.post("add_to_segment", { segment, ...rows });
			dialog.hide();
			frappe.show_alert({
				message: __("{0} relations entered the segment", [number(answer.entered)]),
				indicator: "green",
			});
			frappe.set_route("Form", "Relation Segment", answer.segment);
		},
	});
	dialog.show();
	if (!count.relations) dialog.disable_primary_action();
}
