// The call list: one call after the other, number and script on top, outcome and next step below.

import { CallAnswer } from "../lib/enums.js";
import { date, user_name } from "../lib/format.js";
import { framed } from "../lib/frames.js";
import { escape, html, show_html } from "../lib/html.js";
import { tab_link_html } from "../lib/links.js";
import { interactions } from "./api.js";
import { show_progress } from "./progress.js";

const HALF_HOURS = [...Array(48).keys()].map(
	(i) => `${String(i >> 1).padStart(2, "0")}:${i % 2 ? "30" : "00"}`,
);

function facts(call) {
	const is_of_another = call.assigned_to && call.assigned_to !== frappe.session.user;
	return [
		call.city,
		cint(call.points) > 0 && __("Points: {0}", [cint(call.points)]),
		call.attempts && __("{0} of {1} attempts", [cint(call.attempts), cint(call.max_tries)]),
		__(call.legal_basis),
		is_of_another && __("of {0}", [user_name(call.assigned_to)]),
	].filter(Boolean);
}

function history_line({ at, kind, title }) {
	const texts = [date(String(at || "").slice(0, 10)), __(kind || ""), title || ""];
	return html`<div class="small text-muted">${texts.join(" · ")}</div>`;
}

// the frame has the desk's type, and the room that the script needs
function script_frame(script) {
	const font = getComputedStyle(document.body).fontFamily.replace(/"/g, "'");
	const style = `<style>body { font: 14px/1.5 ${font}; margin: 0.75rem; color: #1f272e }</style>`;
	const height = script.length > 600 ? "16rem" : "7rem";
	return framed(style + script, __("Call Script"), height).css({
		resize: "vertical",
		borderRadius: "var(--border-radius)",
	});
}

function member_html(call, history) {
	const number = encodeURIComponent(call.phone);
	return html`<div class="d-flex justify-content-between align-items-baseline">
			<a class="h4" href="tel:${number}">${call.phone}</a>
			${tab_link_html("Relation", call.relation, __("Customer file"))}
		</div>
		<p class="text-muted">${facts(call).join(" · ")}</p>
		<div class="mb-2" data-script><i>${__("No script")}</i></div>
		${history.map(history_line)}`;
}

export class CallList {
	constructor(frm) {
		this.frm = frm;
		this.skipped = new Set();
	}

	async next() {
		const answer = await interactions.post("reserve_call", {
			campaign: this.frm.doc.name,
			skipped: [...this.skipped],
		});
		this.call = answer.call;
		this.history = answer.history;
		if (!this.call) {
			this.dialog?.hide();
			const text = this.skipped.size
				? __("No more calls except those you skipped.")
				: answer.reason;
			frappe.msgprint(escape(text));
			show_progress(this.frm);
			return;
		}
		this.show();
	}

	/** Give the call back, so that another user gets it. */
	async release() {
		const { call } = this;
		this.call = null;
		if (call) await interactions.post("release_call", { send: call.send });
	}

	show() {
		// a dialog of its own for each call: nothing of the last one can be left in it
		if (this.dialog) {
			this.dialog.onhide = null;
			this.dialog.hide();
			this.dialog.$wrapper.remove();
		}
		this.dialog = this.make();
		this.dialog.set_title(escape(this.call.relation_name));
		const $member = this.dialog.fields_dict.member.$wrapper;
		show_html($member, member_html(this.call, this.history));
		if (this.call.script) {
			$member.find("[data-script]").empty().append(script_frame(this.call.script));
		}
		this.dialog.show();
	}

	make() {
		const { CALL_BACK, NOT_REACHED } = CallAnswer;
		const dialog = new frappe.ui.Dialog({
			title: __("Call"),
			size: "large",
			static: true, // neither Escape nor a click next to it closes the dialog and loses the note
			no_submit_on_enter: true, // only the button records: Enter is pressed while writing the note
			fields: [
				{ fieldname: "member", fieldtype: "HTML" },
				{ fieldtype: "Section Break", label: __("Outcome") },
				{
					fieldname: "answer",
					fieldtype: "Select",
					label: __("Answer"),
					reqd: 1,
					options: ["", ...Object.values(CallAnswer)],
				},
				{
					fieldname: "call_again_on",
					fieldtype: "Date",
					label: __("Call Again On"),
					depends_on: `eval:${JSON.stringify([
						CALL_BACK,
						NOT_REACHED,
					])}.includes(doc.answer)`,
					mandatory_depends_on: `eval:doc.answer === "${CALL_BACK}"`,
				},
				{
					fieldname: "call_again_time",
					fieldtype: "Select",
					label: __("At"),
					options: ["", ...HALF_HOURS],
					depends_on: "call_again_on",
					mandatory_depends_on: "call_again_on",
				},
				{ fieldname: "note", fieldtype: "Small Text", label: __("Note") },
				{ fieldname: "do_not_call", fieldtype: "Check", label: __("Wants no more calls") },
				{ fieldtype: "Column Break" },
				{ fieldname: "next_step", fieldtype: "Data", label: __("Next Step") },
				{
					fieldname: "next_step_on",
					fieldtype: "Date",
					label: __("On"),
					depends_on: "next_step",
					mandatory_depends_on: "next_step",
				},
				{
					fieldname: "next_step_for",
					fieldtype: "Link",
					options: "User",
					label: __("For"),
					depends_on: "next_step",
				},
			],
			primary_action_label: __("Record"),
			primary_action: (values) => this.record(values),
			secondary_action_label: __("Skip"),
			secondary_action: () => {
				this.skipped.add(this.call.send);
				this.release().then(() => this.next());
			},
		});
		dialog.get_close_btn().show();
		dialog.onhide = () => this.release().then(() => show_progress(this.frm));
		return dialog;
	}

	async record(values) {
		const sent = {
			send: this.call.send,
			answer: values.answer,
			note: values.note || "",
			call_again_at: values.call_again_on
				? `${values.call_again_on} ${values.call_again_time}:00`
				: null,
			do_not_call: values.do_not_call || 0,
			next_step: values.next_step || null,
			next_step_on: values.next_step_on || null,
			next_step_for: values.next_step_for || null,
		};
		try {
			await interactions.post("record_call", sent);
		} catch {
			return; // Frappe shows the server's message; the dialog keeps what was entered
		}
		frappe.show_alert({ message: __("Recorded"), indicator: "green" });
		this.call = null;
		this.next();
	}
}
