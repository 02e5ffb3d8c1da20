// The refresh of a segment: a background job, followed until it is done.

import { confirmed } from "../lib/api.js";
import { SegmentKind } from "../lib/enums.js";
import { escape } from "../lib/html.js";
import { segments_api } from "./requests.js";

const EVENT = "relation_segment_refresh";
const FIRST_LOOK_MS = 1000;
const LOOK_EVERY_MS = 2000;
const LOOKS = 300;

/** Return a promise of the problem of the refresh, empty for none: by realtime message, or by asking now and then. */
function finished(segment, title, before) {
	return new Promise((resolve) => {
		frappe.realtime.on(EVENT, (message) => {
			if (message.segment !== segment) return;
			if (message.done) resolve(message.error || "");
			else frappe.show_progress(title, message.step, message.steps, message.text);
		});
		const look = async (looks) => {
			const now = await segments_api.get("standing", { segment });
			const has_changed = ["last_refreshed", "problem"].some(
				(key) => now[key] !== before[key],
			);
			if (has_changed) resolve(now.problem || "");
			else if (looks > 0) setTimeout(() => look(looks - 1), LOOK_EVERY_MS);
			else resolve(__("The refresh continues in the background. Reload the form later."));
		};
		setTimeout(() => look(LOOKS), FIRST_LOOK_MS);
	});
}

/** Queue the refresh and show its progress. */
export async function refresh_members(frm) {
	if (frm.is_dirty()) await frm.save();
	const segment = frm.doc.name;
	const retake = frm.doc.kind === SegmentKind.SNAPSHOT && frm.doc.last_refreshed;
	if (
		retake &&
		!(await confirmed(__("Members that no longer match the rule are removed. Continue?")))
	) {
		return;
	}
	const before = await segments_api.get("standing", { segment });
	const title = __("Refreshing {0}", [segment]);
	const done = finished(segment, title, before);
	await segments_api.post("start_refresh", { segment, retake: Boolean(retake) });
	frappe.show_progress(title, 0, 100, __("Waiting for a background worker"));
	const problem = await done;
	frappe.realtime.off(EVENT);
	frappe.hide_progress();
	if (problem) frappe.msgprint({ title: escape(title), message: escape(problem) });
	else {
		frappe.show_alert({
			message: __("{0} is up to date.", [escape(segment)]),
			indicator: "green",
		});
	}
	if (frm.doc.name === segment) await frm.reload_doc();
}
