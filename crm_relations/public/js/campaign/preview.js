// A step of a campaign as one relation would get it, and a test message to a colleague.

import { StepType } from "../lib/enums.js";
import { framed } from "../lib/frames.js";
import { escape, html, show_html } from "../lib/html.js";
import { campaigns } from "./api.js";

// "name" or "name|B", where a step is tested in two variants
function chosen(dialog) {
	const [step, variant] = (dialog.get_value("step") || "").split("|");
	return { step, second: variant === "B" ? 1 : 0 };
}

function head_html({
	allowed,
	basis,
	reason,
	relation_name,
	recipient,
	proof,
	step_type,
	subject,
}) {
	const reached = allowed
		? html`<span class="indicator-pill green">${__("may be reached")}</span> ${basis}`
		: html`<span class="indicator-pill orange">${__("is left out")}</span> ${reason}`;
	const is_mail = step_type === StepType.EMAIL;
	return html`<p>${__("To")}: <b>${relation_name}</b> ${recipient} ${reached}</p>
		${proof && html`<p class="text-muted">${proof}</p>`}
		${is_mail && html`<p>${__("Subject")}: <b>${subject}</b></p>`}`;
}

async function show(dialog, frm) {
	const { step, second } = chosen(dialog);
	if (!step) return;
	const $answer = dialog.get_field("answer").$wrapper.empty();
	const request = (dialog.request = {});
	const made = await campaigns.get("preview_step", {
		campaign: frm.doc.name,
		step,
		second,
		relation: dialog.get_value("relation") || null,
	});
	if (request !== dialog.request) return; // another step or relation was chosen meanwhile
	dialog.relation = made.relation;
	show_html($answer, head_html(made));
	$answer.append(framed(made.html, __("Message"), "420px"));
	const may_send = made.step_type === StepType.EMAIL && frm.perm[0]?.write;
	dialog.get_primary_btn().toggle(Boolean(may_send));
}

function open(frm) {
	const steps = frm.doc.steps.flatMap((step) => {
		const label = `${step.idx}. ${step.title || __(step.step_type)}`;
		if (!step.ab_share) return [{ value: step.name, label }];
		return [
			{ value: step.name, label: `${label} A` },
			{ value: `${step.name}|B`, label: `${label} B` },
		];
	});
	const dialog = new frappe.ui.Dialog({
		title: __("Preview"),
		size: "large",
		fields: [
			{
				fieldname: "step",
				fieldtype: "Select",
				label: __("Step"),
				options: steps,
				default: steps[0].value,
				change: () => show(dialog, frm),
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "relation",
				fieldtype: "Link",
				options: "Relation",
				label: __("Relation"),
				description: __("Empty: the first of the audience"),
				change: () => show(dialog, frm),
			},
			{ fieldtype: "Section Break" },
			{ fieldname: "answer", fieldtype: "HTML" },
		],
		primary_action_label: __("Send Test to a User"),
		primary_action: () => send_test(dialog, frm),
	});
	dialog.show();
	show(dialog, frm);
}

function send_test(dialog, frm) {
	frappe.prompt(
		{
			fieldname: "user",
			fieldtype: "Link",
			options: "User",
			label: __("Send to"),
			reqd: 1,
			default: frappe.session.user,
		},
		async ({ user }) => {
			const message = await campaigns.post("send_test", {
				campaign: frm.doc.name,
				...chosen(dialog),
				relation: dialog.relation || null,
				user,
			});
			frappe.show_alert({ message: escape(message), indicator: "green" });
		},
		__("Send Test to a User"),
	);
}

frappe.ui.form.on("Relation Campaign", {
	refresh(frm) {
		if (frm.is_new() || !frm.doc.steps?.length) return;
		frm.add_custom_button(__("Preview"), async () => {
			if (frm.is_dirty()) await frm.save();
			open(frm);
		});
	},
});
