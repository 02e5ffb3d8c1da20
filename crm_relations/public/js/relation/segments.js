// Button on the customer file: the segments the relation is or was in, with dates, and the reason.

import { api } from "../lib/api.js";
import { day } from "../lib/format.js";
import { escape } from "../lib/html.js";
import { form_url } from "../lib/links.js";
import { explain } from "../segment/explanation.js";

async function show(frm) {
	const relation = frm.doc.name;
	const rows = await api("crm_relations.segments.api").get("segments_of", { relation });
	if (frm.doc.name !== relation) return;
	const dialog = new frappe.ui.Dialog({
		title: __("Segments of {0}", [escape(frm.doc.relation_name)]),
		size: "large",
		fields: [
			{ fieldname: "rows", fieldtype: "HTML" },
			{
				fieldname: "segment",
				fieldtype: "Link",
				options: "Relation Segment",
				label: __("Why, or Why Not?"),
				only_select: 1,
				change: () => explain_chosen(dialog, relation),
			},
			{ fieldname: "answer", fieldtype: "HTML" },
		],
	});
	dialog.get_field("rows").$wrapper.append(table_of(dialog, rows));
	dialog.show();
}

async function explain_chosen(dialog, relation) {
	const segment = dialog.get_value("segment");
	if (segment === dialog.asked) return;
	dialog.asked = segment;
	await explain(dialog.get_field("answer").$wrapper, segment, relation);
}

function table_of(dialog, rows) {
	if (!rows.length) {
		return $("<p class='text-muted'></p>").text(__("It is in no segment, and was in none."));
	}
	const table = $(
		`<table class="table table-bordered rs-of-relation"><thead><tr></tr></thead><tbody></tbody></table>`,
	);
	for (const label of [__("Segment"), __("Kind"), __("Entered"), __("Left"), ""]) {
		$("<th scope='col'></th>").text(label).appendTo(table.find("tr"));
	}
	for (const row of rows) {
		const line = $("<tr></tr>").appendTo(table.find("tbody"));
		const link = $("<a></a>")
			.attr("href", form_url("Relation Segment", row.segment))
			.text(row.segment);
		const ask = $(`<button type="button" class="btn btn-xs btn-default"></button>`)
			.text(row.left_on ? __("Why not?") : __("Why?"))
			.on("click", () => dialog.set_value("segment", row.segment));
		line.append(
			$("<td></td>").append(link),
			$("<td></td>").text(__(row.kind)),
			$("<td></td>").text(day(row.entered)),
			$("<td></td>").text(day(row.left_on)),
			$("<td></td>").append(ask),
		);
		if (row.left_on) line.addClass("text-muted");
	}
	return $(`<div style="overflow-x: auto"></div>`).append(table);
}

frappe.ui.form.on("Relation", {
	refresh(frm) {
		if (frm.is_new() || !frappe.model.can_read("Relation Segment")) return;
		frm.add_custom_button(__("Segments"), () => show(frm), __("View"));
	},
});
