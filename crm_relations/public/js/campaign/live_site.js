// A restored copy of a site sends nothing until a System Manager confirms that it is the live site.

import { confirmed } from "../lib/api.js";
import { escape } from "../lib/html.js";
import { campaigns } from "./api.js";

/** Say above the form why nothing leaves this site; nothing where it may send. */
export function show_held_back(frm, reason) {
	frm.set_intro("");
	if (!reason) return;
	frm.set_intro(escape(reason), "red");
	if (!frappe.user.has_role("System Manager")) return;
	frm.add_custom_button(__("This Is the Live Site"), async () => {
		const question = __(
			"Is this the site that your customers know, and is the other one switched off? Everything due will be sent from here. On a copy, recipients would be contacted a second time.",
		);
		if (!(await confirmed(question))) return;
		await campaigns.post("confirm_live_site");
		frm.reload_doc();
	});
}
