// Progress: the figures of a started campaign, refreshed while messages leave, and the decisions that only a user makes.

import { CampaignStatus } from "../lib/enums.js";
import { escape, show_html } from "../lib/html.js";
import { confirmed } from "../lib/api.js";
import { $progress, campaigns, is_shown } from "./api.js";
import { do_letters } from "./letters.js";
import { show_held_back } from "./live_site.js";
import { progress_html } from "./progress_html.js";

const POLL_MS = 5000;

export async function show_progress(frm) {
	clearTimeout(frm.progress_timer);
	const campaign = frm.doc.name;
	const answer = await campaigns.post("progress", { campaign });
	if (!is_shown(frm, campaign)) return;
	const { status, sending } = answer.status;
	if (status !== frm.doc.status && !frm.is_dirty()) {
		frm.reload_doc();
		return;
	}
	show_html($progress(frm), progress_html(answer));
	show_held_back(frm, answer.held_back);
	$progress(frm)
		.find("[data-arrived]")
		.on("click", ({ currentTarget }) => decide(frm, currentTarget.dataset));
	$progress(frm)
		.find("[data-letters]")
		.on("click", async ({ currentTarget }) => {
			await do_letters(campaign, currentTarget.dataset);
			show_progress(frm);
		});
	if (status === CampaignStatus.RUNNING && (answer.due || sending)) {
		frm.progress_timer = setTimeout(
			() => is_shown(frm, campaign) && show_progress(frm),
			POLL_MS,
		);
	}
}

/** Decide about a message of which the server does not know whether it arrived. */
async function decide(frm, { send, arrived, recipient }) {
	const question =
		arrived === "1"
			? __("Did the message to {0} arrive? It will count as sent.", [recipient])
			: __(
					"Send the message to {0} again? If the first one arrived, the recipient gets it twice.",
					[recipient],
			  );
	if (!(await confirmed(escape(question)))) return;
	await campaigns.post("decide_uncertain", { send, arrived });
	show_progress(frm);
}
