// A table of relations: the sample of a rule, or the members of a manual segment.

import { form_url } from "../lib/links.js";

/** Return the table; `action` makes a button for each row. */
export function relation_table(rows, action) {
	const columns = [
		["relation_name", __("Name")],
		["relation_kind", __("Kind")],
		["stage", __("Stage")],
		["industry", __("Industry")],
		["city", __("City")],
		["responsible", __("Responsible User")],
	];
	const table = $(
		`<table class="table table-bordered rs-table"><thead><tr></tr></thead><tbody></tbody></table>`,
	);
	columns.forEach(([key, label]) =>
		table.find("tr").append($("<th scope='col'>").addClass(`rs-col-${key}`).text(label)),
	);
	if (action) table.find("tr").append("<th></th>");
	for (const row of rows) {
		const line = $("<tr>").appendTo(table.find("tbody"));
		for (const [key] of columns) {
			const text = ["relation_kind", "stage", "industry"].includes(key)
				? __(row[key] || "")
				: row[key];
			const cell = $("<td>").addClass(`rs-col-${key}`).appendTo(line);
			if (key === "relation_name") {
				$("<a>").attr("href", form_url("Relation", row.name)).text(text).appendTo(cell);
			} else {
				cell.text(text || "");
			}
		}
		if (action) $("<td class='rs-actions'>").append(action(row)).appendTo(line);
	}
	return $(`<div class="rs-scroll"></div>`).append(table);
}
