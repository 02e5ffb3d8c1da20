// Buttons of lists that start a job for the whole site.

import { escape } from "../lib/html.js";

const MANAGERS = ["System Manager", "Relation Manager"];

/** Add a button that starts a job; only managers of the site get it. */
export function add_job(list, label, method) {
	if (!frappe.user.has_role(MANAGERS)) return;
	list.page.add_inner_button(label, async () =>
		frappe.show_alert(escape(await frappe.xcall(method))),
	);
}
