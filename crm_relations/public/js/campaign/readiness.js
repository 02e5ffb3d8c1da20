// Readiness: what is missing before the start, and which members would be left out.

import { html, server_html, show_html } from "../lib/html.js";
import { $progress, campaigns, is_shown } from "./api.js";
import { show_held_back } from "./live_site.js";

function list(title, texts, color) {
	if (!texts.length) return "";
	const items = texts.map((text) => html`<li>${server_html(text)}</li>`);
	return html`<h5><span class="indicator ${color}">${title}</span></h5>
		<ul>
			${items}
		</ul>`;
}

function readiness_html({ missing, notes, members }) {
	const audience = __("The segment has {0} members.", [cint(members)]);
	return html`<div data-readiness>
		${list(__("Missing for the start"), missing, "red")}
		${list(__("Good to know before the start"), notes, "orange")}
		${!missing.length && html`<p class="text-muted">${audience}</p>`}
	</div>`;
}

export async function show_readiness(frm) {
	if (!frm.perm[0]?.write) return;
	const campaign = frm.doc.name;
	const ready = await campaigns.post("readiness", { campaign });
	if (!is_shown(frm, campaign)) return;
	show_held_back(frm, ready.held_back);
	show_html($progress(frm), readiness_html(ready));
}
