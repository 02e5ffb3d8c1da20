// Button on the form of a segment: why one relation is in it, or not.

import { escape } from "../lib/html.js";
import { explain } from "./explanation.js";

function ask(frm) {
	const dialog = new frappe.ui.Dialog({
		title: __("Why is a relation in {0}, or not?", [escape(frm.doc.segment_name)]),
		size: "large",
		fields: [
			{
				fieldname: "relation",
				fieldtype: "Link",
				options: "Relation",
				label: __("Relation"),
				change: () =>
					explain(
						dialog.get_field("answer").$wrapper,
						frm.doc.name,
						dialog.get_value("relation"),
					),
			},
			{ fieldname: "answer", fieldtype: "HTML" },
		],
	});
	dialog.show();
}

frappe.ui.form.on("Relation Segment", {
	refresh(frm) {
		if (frm.is_new()) return;
		frm.add_custom_button(__("Why is … a Member?"), () => ask(frm));
	},
});
