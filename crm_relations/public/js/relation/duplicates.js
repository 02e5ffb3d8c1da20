// The notice above the customer file: relations that may be the same.

import { compare } from "../duplicates/comparison.js";
import { reasons_html } from "../duplicates/comparison_html.js";
import { api } from "../lib/api.js";
import { percent } from "../lib/format.js";
import { html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const SHOWN = 5;
const REASONS = 3;

function candidate_html({ other, other_name, probability, reasons, pair }) {
	return html`<div class="d-flex align-items-center justify-content-between py-1">
		<div>
			${link_html("Relation", other, other_name)}
			<span class="text-muted">${percent(probability)}</span> ${reasons_html(
				reasons,
				REASONS,
			)}
		</div>
		<button type="button" class="btn btn-xs btn-default ml-3" data-pair="${pair}">
			${__("Compare")}
		</button>
	</div>`;
}

async function show_candidates(frm) {
	const found = await api("crm_relations.relations.merging.api").get("candidates", {
		relation: frm.doc.name,
	});
	frm.$wrapper.find(".relation-duplicates").remove();
	if (!found.length) return;
	const notice_html = html`<div class="relation-duplicates form-message orange" role="status">
		<b>${__("Possible Duplicate")}</b>${found.slice(0, SHOWN).map(candidate_html)}
	</div>`;
	const $notice = $(String(notice_html));
	$notice.on("click", "[data-pair]", (event) =>
		compare(event.currentTarget.dataset.pair, (result) => {
			if (result.merged && result.other === frm.doc.name) {
				frappe.set_route("Form", "Relation", result.keep);
			} else {
				frm.reload_doc();
			}
		}),
	);
	$notice.prependTo(frm.layout.wrapper);
}

frappe.ui.form.on("Relation", {
	refresh(frm) {
		frm.$wrapper.find(".relation-duplicates").remove();
		if (!frm.is_new() && frappe.model.can_read("Relation Duplicate")) show_candidates(frm);
	},
});
