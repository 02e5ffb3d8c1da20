// The comparison of two relations that may be the same, the decision about them, and the merge.

import { api } from "../lib/api.js";
import { DuplicateState } from "../lib/enums.js";
import { percent } from "../lib/format.js";
import { escape, fill_html, html, show_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";
import { comparison_html, moves_html } from "./comparison_html.js";

const duplicates = api("crm_relations.relations.merging.api");

export const may_merge = () =>
	frappe.model.can_write("Relation") && frappe.model.can_delete("Relation");

/** Store what a user decided about a pair. */
export async function decide(pair, state) {
	await duplicates.post("decide", { pair, state });
	frappe.show_alert({ message: __("Noted: {0}", [escape(__(state))]), indicator: "green" });
}

/** Compare a pair in a dialog, with the decision below; `done` gets whether and how they were merged. */
export async function compare(pair, done) {
	const data = await duplicates.get("compare", { pair });
	const dialog = new frappe.ui.Dialog({
		title: __("Possible duplicate: {0}", [percent(data.probability)]),
		size: "extra-large",
		fields: [{ fieldname: "comparison", fieldtype: "HTML" }],
	});
	let preview = data.preview;
	const render = () =>
		show_html(
			dialog.get_field("comparison").$wrapper,
			html`${comparison_html(data.reasons, preview, may_merge())}${moves_html(preview)}`,
		);
	const finish = (result) => {
		dialog.hide();
		done?.(result);
	};
	if (may_merge()) {
		dialog.set_primary_action(__("Merge"), async () => {
			const take = preview.fields
				.filter(
					(row) =>
						dialog.$wrapper.find(`[name="take-${row.fieldname}"]:checked`).val() ===
						"other",
				)
				.map((row) => row.fieldname);
			const [keep, other] = [preview.keep.name, preview.other.name];
			dialog.disable_primary_action();
			try {
				const merge = await duplicates.post("merge", { keep, other, take });
				const form_html = link_html("Relation Merge", merge, __("Look at it or undo it"));
				const message_html = fill_html(__("Merged. {0}"), [form_html]);
				frappe.show_alert({ message: String(message_html), indicator: "green" }, 15);
				finish({ merged: true, keep, other });
			} finally {
				dialog.enable_primary_action();
			}
		});
		dialog.add_custom_action(
			__("Swap"),
			async () => {
				preview = await duplicates.get("preview", {
					keep: preview.other.name,
					other: preview.keep.name,
				});
				render();
			},
			"mr-2",
		);
	} else {
		dialog.set_primary_action(__("Same"), async () => {
			await decide(pair, DuplicateState.SAME);
			finish({});
		});
	}
	for (const state of [DuplicateState.DIFFERENT, DuplicateState.LATER]) {
		dialog.add_custom_action(
			__(state),
			async () => {
				await decide(pair, state);
				finish({});
			},
			"mr-2",
		);
	}
	render();
	dialog.show();
	return dialog;
}
