// Messages that several buttons of a campaign share.

import { escape } from "../lib/html.js";

/** Say that a job is queued, and whether a worker is there to do it. */
export function tell_queued(answer, text) {
	if (answer.workers) {
		frappe.show_alert({ message: escape(text), indicator: "green" });
		return;
	}
	frappe.msgprint({
		title: __("Waiting for a worker"),
		indicator: "orange",
		message: __(
			"{0}. The job is queued, but no background worker is running. It begins as soon as one does.",
			[escape(text)],
		),
	});
}

/** List what keeps a campaign from starting; the server has made these texts as HTML. */
export function show_missing(missing_html) {
	frappe.msgprint({
		title: __("The campaign cannot start yet"),
		indicator: "orange",
		message: missing_html,
		as_list: true,
	});
}
