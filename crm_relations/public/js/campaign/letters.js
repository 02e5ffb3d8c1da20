// Letters of a campaign: those that are due, and print runs that wait to be posted.

import { escape, html, joined_html } from "../lib/html.js";
import { campaigns, interactions } from "./api.js";

function button(action, label, run = "") {
	return html`<button class="btn btn-xs btn-default" data-letters="${action}" data-run="${run}">
		${label}
	</button>`;
}

function run_row({ print_run, letters, files }) {
	const links = files.map(
		({ file_url, file_name }) =>
			html`<a href="${encodeURI(file_url)}" target="_blank">${file_name}</a>`,
	);
	return html`<tr>
		<td>${__("{0} letters printed", [cint(letters)])}</td>
		<td>${joined_html(links, " · ")}</td>
		<td class="text-right text-nowrap">
			${button("posted", __("Confirm Mailing"), print_run)}
			${button("discard", __("Discard"), print_run)}
		</td>
	</tr>`;
}

export function letters_html({ due_letters, print_runs }) {
	if (!due_letters && !print_runs.length) return "";
	const runs = print_runs.map(run_row);
	return html`<div class="border rounded p-3 mb-4">
		<h5>${__("Letters")}</h5>
		<p>
			${__("{0} letters are due.", [due_letters])}
			${due_letters > 0 && button("print", __("Print Letters"))}
		</p>
		${runs.length > 0 &&
		html`<table class="table table-sm">
			<tbody>
				${runs}
			</tbody>
		</table>`}
	</div>`;
}

/** Print the letters that are due, or record what became of a print run. */
export async function do_letters(campaign, { letters: action, run: print_run }) {
	if (action === "posted") {
		await interactions.post("confirm_letters", { campaign, print_run });
	} else if (action === "discard") {
		await campaigns.post("discard_letters", { campaign, print_run });
	} else {
		const made = await campaigns.post("print_letters", { campaign });
		if (!made.print_run) frappe.msgprint(__("No letter is due."));
		else if (made.note) frappe.msgprint(escape(made.note));
	}
}
