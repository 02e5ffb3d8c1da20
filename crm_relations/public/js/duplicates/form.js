// The form of a pair of relations that may be the same.

import { api } from "../lib/api.js";
import { color_of, DuplicateState } from "../lib/enums.js";
import { show_html } from "../lib/html.js";
import { compare, decide, may_merge } from "./comparison.js";
import { comparison_html } from "./comparison_html.js";

frappe.ui.form.on("Relation Duplicate", {
	async refresh(frm) {
		frm.disable_save();
		frm.page.set_indicator(__(frm.doc.state), color_of("DuplicateState", frm.doc.state));
		const pair = frm.doc.name;
		const { reasons, preview } = await api("crm_relations.relations.merging.api").get(
			"compare",
			{ pair },
		);
		if (frm.doc.name !== pair) return; // another form was opened meanwhile
		show_html(frm.get_field("comparison").$wrapper, comparison_html(reasons, preview, false));
		const after = (result) =>
			result.merged ? frappe.set_route("List", "Relation Duplicate") : frm.reload_doc();
		if (may_merge()) {
			frm.add_custom_button(__("Merge …"), () => compare(pair, after)).addClass(
				"btn-primary",
			);
		}
		if (!frappe.model.can_write("Relation Duplicate")) return;
		const { SAME, DIFFERENT, LATER, OPEN } = DuplicateState;
		for (const state of [SAME, DIFFERENT, LATER, OPEN]) {
			if (state === frm.doc.state) continue;
			frm.add_custom_button(
				state === OPEN ? __("Ask Again") : __(state),
				() => decide(pair, state).then(() => frm.reload_doc()),
				__("Decide"),
			);
		}
	},
});
