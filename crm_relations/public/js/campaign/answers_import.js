// Answers to calls and letters from a csv file: preview first, then record. Rejected lines come back as a file.

import { api } from "../lib/api.js";
import { CampaignStatus } from "../lib/enums.js";
import { date } from "../lib/format.js";
import { html, table_html } from "../lib/html.js";

const answers = api("crm_relations.campaigns.incoming.api");

frappe.ui.form.on("Relation Campaign", {
	refresh(frm) {
		const { DRAFT, APPROVED } = CampaignStatus;
		if (frm.is_new() || !frm.perm[0]?.write || [DRAFT, APPROVED].includes(frm.doc.status)) {
			return;
		}
		frm.add_custom_button(__("Import Responses"), () => upload(frm));
	},
});

function upload(frm) {
	new frappe.ui.FileUploader({
		doctype: "Relation Campaign",
		docname: frm.doc.name,
		folder: "Home/Attachments",
		make_attachments_public: false,
		restrictions: { allowed_file_types: [".csv"], max_number_of_files: 1 },
		on_success: (file) => preview(frm, file.file_url),
	});
}

function plan_row({ line, name, type, answer, date: at, problem }) {
	return html`<tr class="${problem && "text-muted"}">
		<td>${cint(line)}</td>
		<td>${name}</td>
		<td>${__(type)}</td>
		<td>${__(answer)}</td>
		<td>${date(at)}</td>
		<td>${problem}</td>
	</tr>`;
}

function plan_html(plan) {
	const counts = __("{0} new, {1} recorded before, {2} rejected", [
		cint(plan.new),
		cint(plan.known),
		cint(plan.rejected),
	]);
	const heads = [__("Line"), __("Member"), __("Type"), __("Answer"), __("Date"), __("Problem")];
	return html`<p>${counts}</p>
		${table_html(heads, plan.rows.map(plan_row))}`;
}

async function preview(frm, file_url) {
	const campaign = frm.doc.name;
	const plan = await answers.post("preview_answers", { campaign, file_url });
	const dialog = new frappe.ui.Dialog({
		title: __("Import Responses"),
		size: "large",
		fields: [{ fieldtype: "HTML", options: String(plan_html(plan)) }],
		primary_action_label: __("Record {0} Responses", [cint(plan.new)]),
		async primary_action() {
			dialog.disable_primary_action();
			const done = await answers.post("import_answers", { campaign, file_url });
			dialog.hide();
			frappe.msgprint(String(done_html(done)));
			frm.reload_doc();
		},
	});
	if (!plan.new && !plan.rejected) dialog.disable_primary_action();
	dialog.show();
}

function done_html({ recorded, known, rejected, rejects }) {
	const counts = __("{0} recorded, {1} recorded before, {2} rejected.", [
		cint(recorded),
		cint(known),
		cint(rejected),
	]);
	return html`${counts} ${rejects && html`<a href="${rejects}">${__("Rejected responses")}</a>`}`;
}
