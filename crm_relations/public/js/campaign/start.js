// The start of a campaign: the question with audience, attachments and notes, then the wait for the background job.

import { agreed } from "../lib/ask.js";
import { CampaignStatus } from "../lib/enums.js";
import { fill_html, html, server_html } from "../lib/html.js";
import { campaigns, is_shown } from "./api.js";
import { show_missing, tell_queued } from "./messages.js";

const LOOK_EVERY_MS = 2000;
const LOOKS = 60;

function question_html(frm, { members, files, notes }) {
	const audience = fill_html(__("Start the campaign for about {0} members of segment {1}?"), [
		html`<b>${cint(members)}</b>`,
		html`<b>${frm.doc.segment}</b>`,
	]);
	const attachments = files.map(({ file, steps }) => html`<li><b>${file}</b> (${steps})</li>`);
	const hints = notes.map((note) => html`<li>${server_html(note)}</li>`);
	const sending = __(
		"The segment is refreshed first. Emails are then sent at once to all eligible members.",
	);
	return html`<p>${audience}</p>
		<p>${sending}</p>
		${files.length > 0 &&
		html`<p>${__("These files are attached to the emails:")}</p>
			<ul data-files>
				${attachments}
			</ul>`}
		${notes.length > 0 &&
		html`<p>${__("Good to know before the start")}:</p>
			<ul class="text-muted" data-notes>
				${hints}
			</ul>`}`;
}

export async function start(frm) {
	if (frm.is_dirty()) await frm.save();
	const campaign = frm.doc.name;
	const ready = await campaigns.post("readiness", { campaign, ask_links: 1 });
	if (ready.missing.length) {
		show_missing(ready.missing);
		return;
	}
	const content_html = question_html(frm, ready);
	if (!(await agreed({ title: __("Start Campaign"), label: __("Start"), content_html }))) return;
	const answer = await campaigns.post("start", { campaign });
	if (!answer.queued) {
		show_missing(answer.missing);
		return;
	}
	tell_queued(answer, __("The campaign is starting"));
	wait_for_start(frm, LOOKS);
}

/** Look for the status that the job sets: the realtime message may not reach every browser. */
function wait_for_start(frm, looks) {
	const campaign = frm.doc.name;
	setTimeout(async () => {
		const { DRAFT, APPROVED } = CampaignStatus;
		if (!is_shown(frm, campaign) || ![DRAFT, APPROVED].includes(frm.doc.status)) return;
		const { message } = await frappe.db.get_value("Relation Campaign", campaign, "status");
		if (message.status !== frm.doc.status) {
			await frm.reload_doc();
			frm.scroll_to_field("progress_html");
		} else if (looks > 0) wait_for_start(frm, looks - 1);
	}, LOOK_EVERY_MS);
}
