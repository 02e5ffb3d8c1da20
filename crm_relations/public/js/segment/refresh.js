// The refresh of a segment: a background job, followed until it is done.

import { api, confirmed } from "../lib/api.js";
import { SegmentKind } from "../lib/enums.js";
import { escape } from "../lib/html.js";
import { SEGMENTS_API } from "./requests.js";

const EVENT = "relation_segment_refresh";
const segments_api = api(SEGMENTS_API);

/** Queue the refresh and show its progress: by realtime message, and by polling where no message arrives. */
export async function refresh_members(frm) {
	if (frm.is_dirty()) await frm.save();
	const segment = frm.doc.name;
	const retake = frm.doc.kind === SegmentKind.SNAPSHOT && frm.doc.last_refreshed;
	if (retake && !(await confirmed(__("Members that the rule no longer finds leave. Go on?"))))
		return;
	const before = await segments_api.get("standing", { segment });
	const title = __("Refreshing {0}", [segment]);
	const done = new Promise((resolve) => {
		const receive = (message) => {
			if (message.segment !== segment) return;
			if (message.done) return resolve(message.error || "");
			frappe.show_progress(title, message.step, message.steps, message.text);
		};
		frappe.realtime.on(EVENT, receive);
		let asked = 0;
		const ask = async () => {
			const now = await segments_api.get("standing", { segment });
			const changed = ["last_refreshed", "problem"].some((key) => now[key] !== before[key]);
			if (changed) return resolve(now.problem || "");
			if (++asked < 300) return setTimeout(ask, 2000);
			resolve(__("The refresh goes on in the background. Load the form again later."));
		};
		setTimeout(ask, 1000);
	});
	await segments_api.post("start_refresh", { segment, retake: Boolean(retake) });
	frappe.show_progress(title, 0, 100, __("Waiting for a background worker"));
	const problem = await done;
	frappe.realtime.off(EVENT);
	frappe.hide_progress();
	if (problem) frappe.msgprint({ title, message: escape(problem) });
	else
		frappe.show_alert({
			message: __("{0} is up to date.", [escape(segment)]),
			indicator: "green",
		});
	if (frm.doc.name === segment) await frm.reload_doc();
}
