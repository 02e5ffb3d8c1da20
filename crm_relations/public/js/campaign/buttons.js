// The buttons of a campaign: which of them its status and the rights of the user allow, and what each one asks first.

import { agreed } from "../lib/ask.js";
import { CampaignStatus } from "../lib/enums.js";
import { html } from "../lib/html.js";
import { campaigns } from "./api.js";
import { CallList } from "./call_list.js";
import { start } from "./start.js";
import { show_missing, tell_queued } from "./messages.js";

export function add_buttons(frm) {
	const { status } = frm.doc;
	const { DRAFT, APPROVED, RUNNING, PAUSED } = CampaignStatus;
	const may = (action) => (frm.doc.__onload?.rights || []).includes(action);
	const button = (label, action) => frm.add_custom_button(label, action);
	const main = (label, action) => {
		button(label, action);
		frm.change_custom_button_type(label, null, "primary");
	};
	if ([DRAFT, APPROVED].includes(status) && may("start")) main(__("Start"), () => start(frm));
	if (status === DRAFT && may("approve")) button(__("Approve"), () => approve(frm));
	if (status === RUNNING) {
		if (frappe.model.can_read("Relation Campaign Send") && may("record_calls")) {
			button(__("Call List"), () => new CallList(frm).next());
		}
		if (may("send_now")) button(__("Send Now"), () => send_now(frm));
		if (may("pause")) button(__("Pause"), () => confirm_action(frm, "pause"));
	}
	if (status === PAUSED && may("resume")) main(__("Resume"), () => confirm_action(frm, "resume"));
	if ([RUNNING, PAUSED].includes(status) && may("finish")) {
		button(__("Finish"), () => confirm_action(frm, "finish"));
	}
}

async function approve(frm) {
	if (frm.is_dirty()) await frm.save();
	const { missing } = await campaigns.post("approve", { campaign: frm.doc.name });
	if (missing.length) show_missing(missing);
	frm.reload_doc();
}

async function send_now(frm) {
	const answer = await campaigns.post("send_now", { campaign: frm.doc.name });
	tell_queued(answer, __("{0} emails are due", [cint(answer.due)]));
	frm.reload_doc();
}

/** Ask before an action, with the numbers of what it affects. */
async function confirm_action(frm, action) {
	const campaign = frm.doc.name;
	const { status, due, due_letters } = await campaigns.post("progress", { campaign });
	const open = __("Open: {0} emails, {1} calls, {2} letters that are due.", [
		cint(status.pending),
		cint(status.calls_open),
		cint(due_letters),
	]);
	const [title, label, text] = {
		pause: [
			__("Pause Campaign"),
			__("Pause"),
			__("No email is sent and no call is assigned until the campaign is resumed."),
		],
		resume: [
			__("Resume Campaign"),
			__("Resume"),
			__("{0} emails are due and are sent now.", [cint(due)]),
		],
		finish: [
			__("Finish Campaign"),
			__("Finish"),
			__("What is open is not carried out any more. This cannot be undone."),
		],
	}[action];
	const content_html = html`<p>${text}</p>
		${action !== "resume" && html`<p class="text-muted">${open}</p>`}`;
	const is_final = action === "finish";
	if (!(await agreed({ title, label, content_html, is_final }))) return;
	await campaigns.post(action, { campaign });
	frm.reload_doc();
}
