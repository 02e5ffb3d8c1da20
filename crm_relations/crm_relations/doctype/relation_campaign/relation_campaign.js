// Copyright (c) 2026, the crm_relations contributors
// License: GPL-3.0. See license.txt

const API = "crm_relations.campaigns.api.";
const POLL_MS = 5000;
const COLORS = {
	Sent: "green",
	Done: "green",
	Pending: "gray",
	Sending: "blue",
	Suppressed: "orange",
	Failed: "red",
	Uncertain: "yellow",
};

frappe.ui.form.on("Relation Campaign", {
	setup(frm) {
		frm.set_query("file", "files", () => ({
			filters: {
				attached_to_doctype: frm.doctype,
				attached_to_name: frm.doc.name,
				is_folder: 0,
			},
		}));
		frm.set_query("segment", () => ({ filters: { disabled: 0 } }));
		frm.set_query("email_account", () => ({ filters: { enable_outgoing: 1 } }));
		frappe.realtime.on("relation_campaign_progress", (message) => {
			if (cur_frm === frm && message.campaign === frm.doc.name) show_progress(frm);
		});
	},

	onload(frm) {
		// the desk fills in the user's default company; without one, the campaign is for all companies
		const untouched = frm.is_new() && !frm.doc.campaign_name;
		if (untouched && !frappe.route_options?.company) frm.set_value("company", null);
	},

	refresh(frm) {
		frm.page.set_indicator(__(frm.doc.status), status_color(frm.doc.status));
		frm.fields_dict.progress_html.$wrapper.empty();
		if (frm.is_new()) return;
		if (frm.perm[0]?.write) add_buttons(frm);
		if (frm.perm[0]?.write) add_upload(frm);
		if (["Draft", "Approved"].includes(frm.doc.status)) show_readiness(frm);
		else show_progress(frm);
	},

	on_hide(frm) {
		clearTimeout(frm.progress_timer);
	},
});

// uploads a file to the campaign and names it among those that go with e-mails
function add_upload(frm) {
	frm.fields_dict.files.grid.add_custom_button(__("Upload"), () => {
		new frappe.ui.FileUploader({
			doctype: frm.doctype,
			docname: frm.doc.name,
			folder: "Home/Attachments",
			make_attachments_public: false,
			on_success: (file) => {
				frm.add_child("files", { file: file.name });
				frm.refresh_field("files");
				frm.dirty();
			},
		});
	});
}

function status_color(status) {
	return { Draft: "gray", Approved: "purple", Running: "green", Paused: "orange", Done: "blue" }[
		status
	];
}

function add_buttons(frm) {
	const may = (action) => (frm.doc.__onload?.rights || []).includes(action);
	const act = (method, done) => () =>
		frappe.xcall(API + method, { campaign: frm.doc.name }).then((answer) => {
			done && done(answer);
			return frm.reload_doc();
		});
	const button = (label, action) => frm.add_custom_button(label, action);
	const main = (label, action) => {
		button(label, action);
		frm.change_custom_button_type(label, null, "primary");
	};
	if (["Draft", "Approved"].includes(frm.doc.status) && may("start")) {
		main(__("Start"), () => start(frm));
	}
	if (frm.doc.status === "Draft" && may("approve")) {
		button(__("Approve"), async () => {
			if (frm.is_dirty()) await frm.save();
			const { missing } = await frappe.xcall(API + "approve", { campaign: frm.doc.name });
			if (missing.length) show_missing(missing);
			frm.reload_doc();
		});
	}
	if (frm.doc.status === "Running") {
		if (frappe.model.can_read("Relation Campaign Send") && may("record_calls")) {
			button(__("Call List"), () => new CallList(frm).next());
		}
		if (may("send_now")) {
			button(
				__("Send Now"),
				act("send_now", (answer) =>
					queued(answer, __("{0} e-mails are due", [cint(answer.due)])),
				),
			);
		}
		if (may("pause")) button(__("Pause"), () => confirm_action(frm, "pause", act("pause")));
	}
	if (frm.doc.status === "Paused" && may("resume")) {
		main(__("Resume"), () => confirm_action(frm, "resume", act("resume")));
	}
	if (["Running", "Paused"].includes(frm.doc.status) && may("finish")) {
		button(__("Finish"), () => confirm_action(frm, "finish", act("finish")));
	}
}

// says with numbers what will happen before it does
async function confirm_action(frm, action, go) {
	const { status, due, due_letters } = await frappe.xcall(API + "progress", {
		campaign: frm.doc.name,
	});
	const open = __("Open: {0} e-mails, {1} calls, {2} letters that are due.", [
		cint(status.pending),
		cint(status.calls_open),
		cint(due_letters),
	]);
	const text = {
		pause: __(
			"Pause the campaign? No e-mail leaves and no call is given out until it is resumed.",
		),
		resume: __("Resume the campaign? {0} e-mails are due and leave at once.", [cint(due)]),
		finish: __(
			"Finish the campaign for good? What is open is not carried out any more. This cannot be undone.",
		),
	}[action];
	const esc = frappe.utils.escape_html;
	const open_html = action === "resume" ? "" : `<p>${esc(open)}</p>`;
	frappe.confirm(`<p>${esc(text)}</p>${open_html}`, go);
}

function queued(answer, text) {
	const text_html = frappe.utils.escape_html(text);
	if (answer.workers) {
		frappe.show_alert({ message: text_html, indicator: "green" });
	} else {
		frappe.msgprint({
			title: __("Waiting for a worker"),
			indicator: "orange",
			message: __(
				"{0}. The job is queued, but no background worker is running. It begins as soon as one does.",
				[text_html],
			),
		});
	}
}

async function start(frm) {
	if (frm.is_dirty()) await frm.save();
	const ready = await frappe.xcall(API + "readiness", { campaign: frm.doc.name, ask_links: 1 });
	if (ready.missing.length) return show_missing(ready.missing);
	const notes = ready.notes.map((note) => `<li>${note}</li>`).join("");
	const esc = frappe.utils.escape_html;
	const files = ready.files
		.map((row) => `<li><b>${esc(row.file)}</b> (${esc(row.steps)})</li>`)
		.join("");
	frappe.confirm(
		`<p>${__("Start the campaign for about {0} members of segment {1}?", [
			`<b>${cint(ready.members)}</b>`,
			`<b>${frappe.utils.escape_html(frm.doc.segment)}</b>`,
		])}</p><p>${__(
			"The segment is refreshed first. E-mails leave at once to all who may get them.",
		)}</p>${
			files && `<p>${__("These files go with the e-mails:")}</p><ul data-files>${files}</ul>`
		}${notes && `<ul class="text-muted">${notes}</ul>`}`,
		async () => {
			const answer = await frappe.xcall(API + "start", { campaign: frm.doc.name });
			if (!answer.queued) return show_missing(answer.missing);
			queued(answer, __("The campaign is starting"));
			wait_for_start(frm, 60);
		},
	);
}

function show_missing(missing) {
	frappe.msgprint({
		title: __("The campaign cannot start yet"),
		indicator: "orange",
		message: missing,
		as_list: true,
	});
}

// the job sets the state: look for it now and then, the realtime message may not reach every browser
function wait_for_start(frm, tries) {
	const name = frm.doc.name;
	setTimeout(async () => {
		const waiting = ["Draft", "Approved"].includes(frm.doc.status);
		if (cur_frm !== frm || frm.doc.name !== name || !waiting) return;
		const { message } = await frappe.db.get_value("Relation Campaign", name, "status");
		if (message.status !== frm.doc.status) {
			await frm.reload_doc();
			frm.scroll_to_field("progress_html");
		} else if (tries > 0) wait_for_start(frm, tries - 1);
	}, 2000);
}

// what is missing, and who would be left out, as a list on the form of a campaign that has not started
async function show_readiness(frm) {
	if (!frm.perm[0]?.write) return;
	const name = frm.doc.name;
	const ready = await frappe.xcall(API + "readiness", { campaign: name });
	if (cur_frm !== frm || frm.doc.name !== name) return;
	show_held_back(frm, ready.held_back);
	const list = (title, rows, color) =>
		rows.length
			? `<h5><span class="indicator ${color}">${title}</span></h5>
				<ul>${rows.map((row) => `<li>${row}</li>`).join("")}</ul>`
			: "";
	frm.fields_dict.progress_html.$wrapper.html(
		`<div data-readiness>${list(__("Missing for the start"), ready.missing, "red")}
		${list(__("Good to know before the start"), ready.notes, "orange")}
		${
			ready.missing.length
				? ""
				: `<p class="text-muted">${__("The segment has {0} members.", [
						cint(ready.members),
				  ])}</p>`
		}</div>`,
	);
}

async function show_progress(frm) {
	clearTimeout(frm.progress_timer);
	const name = frm.doc.name;
	const answer = await frappe.xcall(API + "progress", { campaign: name });
	if (cur_frm !== frm || frm.doc.name !== name) return;
	if (answer.status.status !== frm.doc.status && !frm.is_dirty()) return frm.reload_doc();
	frm.fields_dict.progress_html.$wrapper.html(progress_html(answer));
	show_held_back(frm, answer.held_back);
	frm.fields_dict.progress_html.$wrapper
		.find("[data-arrived]")
		.on("click", (event) => decide(frm, event.currentTarget));
	frm.fields_dict.progress_html.$wrapper
		.find("[data-letters]")
		.on("click", (event) => do_letters(frm, event.currentTarget.dataset));
	const busy = answer.status.status === "Running" && (answer.due || answer.status.sending);
	if (busy) {
		frm.progress_timer = setTimeout(() => cur_frm === frm && show_progress(frm), POLL_MS);
	}
}

// a restored copy of a site sends nothing until a System Manager says that it is the live site
function show_held_back(frm, reason) {
	frm.set_intro("");
	if (!reason) return;
	frm.set_intro(frappe.utils.escape_html(reason), "red");
	if (!frappe.user.has_role("System Manager")) return;
	frm.add_custom_button(__("This Is the Live Site"), () =>
		frappe.confirm(
			__(
				"Is this the site that your customers know, and the other one switched off? Everything that is due leaves from here then. On a copy, people would be written to a second time.",
			),
			async () => {
				await frappe.xcall(API + "confirm_live_site");
				frm.reload_doc();
			},
		),
	);
}

function decide(frm, button) {
	const { send, arrived, recipient } = button.dataset;
	const question =
		arrived === "1"
			? __("Did the message to {0} arrive? It will count as sent.", [recipient])
			: __("Send the message to {0} again? If the first one did arrive, it comes twice.", [
					recipient,
			  ]);
	frappe.confirm(frappe.utils.escape_html(question), () =>
		frappe.xcall(API + "decide_uncertain", { send, arrived }).then(() => show_progress(frm)),
	);
}

async function do_letters(frm, { letters, run }) {
	const campaign = frm.doc.name;
	if (letters === "print") {
		const made = await frappe.xcall(API + "print_letters", { campaign });
		if (!made.print_run) frappe.msgprint(__("No letter is due."));
		else if (made.note) frappe.msgprint(frappe.utils.escape_html(made.note));
	} else if (letters === "posted") {
		await frappe.xcall("crm_relations.interactions.api.confirm_letters", {
			campaign,
			print_run: run,
		});
	} else {
		await frappe.xcall(API + "discard_letters", { campaign, print_run: run });
	}
	show_progress(frm);
}

function progress_html(answer) {
	const { status, funnel, steps, uncertain, due, due_calls, left } = answer;
	const esc = frappe.utils.escape_html;
	const tile = (label, value, color) =>
		`<div class="border rounded p-3 mr-3 mb-3" style="min-width:7.5rem">
			<div style="font-size:1.5rem;font-weight:600">${value}</div>
			<div class="indicator ${color || "gray"}">${label}</div></div>`;
	const mails = [
		["sent", __("Sent"), "green"],
		["pending", __("Pending"), "gray"],
		["sending", __("Sending"), "blue"],
		["uncertain", __("Uncertain"), "yellow"],
		["failed", __("Failed"), "red"],
		["suppressed", __("Suppressed"), "orange"],
	];
	const states = (counts) =>
		Object.entries(counts)
			.map(
				([state, number]) =>
					`<span class="indicator-pill ${COLORS[state]} mr-2">${esc(
						__(state),
					)}: ${number}</span>`,
			)
			.join("");
	const number = (value) => `<td class="text-right">${value ?? "–"}</td>`;
	const delay = ({ delay_days, delay_hours }) =>
		delay_hours ? __("{0} d {1} h", [delay_days, delay_hours]) : delay_days;
	const rows = steps.map(
		(step, i) =>
			`<tr><td>${esc(step.title)}${
				step.variant
					? ` <b>${esc(__(step.variant))}</b>${step.winner === step.variant ? " ★" : ""}`
					: ""
			}</td><td>${esc(__(step.step_type))}</td>${number(delay(step))}${number(
				step.sent,
			)}${number(step.delivered)}${number(step.clicked)}${number(step.answered)}${number(
				step.qualified,
			)}${number(step.won)}<td>${states(step.states)}</td></tr>${
				step.result && steps[i + 1]?.step !== step.step
					? `<tr><td colspan="10" class="text-muted">${esc(step.result)}</td></tr>`
					: ""
			}`,
	);
	const doubtful = uncertain.map(
		(row) => `<tr><td><a href="${frappe.utils.get_form_link("Relation", row.relation)}">${esc(
			row.relation_name || row.relation,
		)}</a></td>
			<td>${esc(row.recipient)}</td><td>${esc(
				__(row.reason || ""),
			)}</td><td class="text-right text-nowrap">
			<button class="btn btn-xs btn-default" data-arrived="1" data-send="${esc(
				row.name,
			)}" data-recipient="${esc(row.recipient)}">${__("It arrived")}</button>
			<button class="btn btn-xs btn-default" data-arrived="0" data-send="${esc(
				row.name,
			)}" data-recipient="${esc(row.recipient)}">${__("Send again")}</button>
			</td></tr>`,
	);
	return `
		${answer.notices.map((notice) => `<div class="alert alert-warning">${esc(notice)}</div>`).join("")}
		<h5>${__("E-mails")}</h5>
		<div class="d-flex flex-wrap">${mails
			.map(([key, label, color]) => tile(label, status[key], color))
			.join("")}</div>
		<p class="text-muted">${__("Due now: e-mails {0}, calls {1}.", [due, due_calls])}
			${__("Calls: {0} open, {1} done, {2} not allowed.", [
				cint(status.calls_open),
				cint(status.calls_done),
				cint(status.calls_suppressed),
			])}
			${__("{0} unsubscribed, {1} declined.", [cint(status.unsubscribed), cint(status.declined)])}
			${__("{0} bounced, {1} complained, {2} out of office, {3} opened.", [
				cint(status.bounced),
				cint(status.complained),
				cint(status.out_of_office),
				cint(status.opened),
			])}</p>
		${
			uncertain.length
				? `<div class="border rounded p-3 mb-4"><h5>${__("Uncertain messages")}</h5>
				<p class="text-muted">${__(
					"The connection or the worker ended while these were on their way. They are not sent again by themselves. Look into the mail server's log, then decide.",
				)}</p>
				<table class="table table-sm"><tbody>${doubtful.join("")}</tbody></table></div>`
				: ""
		}
		${letters_html(answer)}
		<h5>${__("Members")}</h5>
		${
			status.passages > status.members
				? `<p class="text-muted">${__("{0} members came in {1} times in all.", [
						cint(status.members),
						cint(status.passages),
				  ])}</p>`
				: ""
		}
		${funnel_html(funnel, answer.currency)}
		${effect_html(answer.effect)}
		${
			Object.keys(left).length
				? `<p class="text-muted">${__("Ended early: {0}", [
						Object.entries(left)
							.map(([reason, count]) => `${esc(__(reason))} ${count}`)
							.join(", "),
				  ])}</p>`
				: ""
		}
		<h5>${__("Steps")}</h5>
		<table class="table table-sm"><thead><tr><th>${__("Title")}</th><th>${__("Type")}</th>
			${[
				__("Days after Start"),
				__("Sent"),
				__("Delivered"),
				__("Clicked"),
				__("Answered"),
				__("Qualified"),
				__("Won"),
			]
				.map((label) => `<th class="text-right">${label}</th>`)
				.join("")}<th>${__("State")}</th></tr></thead>
			<tbody>${rows.join("")}</tbody></table>`;
}

const HALF_HOURS = [...Array(48).keys()].map(
	(i) => `${String(i >> 1).padStart(2, "0")}:${i % 2 ? "30" : "00"}`,
);

const STAGES = [
	["members", "Members"],
	["sent", "Sent"],
	["delivered", "Delivered"],
	["answered", "Answered"],
	["qualified", "Qualified"],
	["won", "Won"],
	["invoiced", "Invoiced"],
];

// each stage with its share of the members; the control group beside it where there is one
function funnel_html({ addressed, control }, currency) {
	const share = (group, key) => (group.members ? (100 * group[key]) / group.members : 0);
	const cell = (group, key) =>
		`<td class="text-right text-nowrap">${group[key]} <span class="text-muted">${share(
			group,
			key,
		).toFixed(1)} %</span></td>`;
	const known_of_control = ["members", "invoiced"];
	const rows = STAGES.filter(([key]) => addressed[key] !== null).map(
		([
			key,
			label,
		]) => `<tr data-stage="${key}"><td style="width:11rem">${frappe.utils.escape_html(
			__(label),
		)}</td>
			<td style="width:40%"><div class="progress" style="height:1rem"><div class="progress-bar" style="width:${share(
				addressed,
				key,
			)}%"></div></div></td>${cell(addressed, key)}${
				control.members
					? known_of_control.includes(key)
						? cell(control, key)
						: "<td></td>"
					: ""
			}</tr>`,
	);
	const amount = (group) =>
		`<td class="text-right text-nowrap">${format_currency(group.amount, currency)}</td>`;
	const amounts =
		addressed.amount === null
			? ""
			: `<tr><td>${__("Net Amount Invoiced")}</td><td></td>${amount(addressed)}${
					control.members ? amount(control) : ""
			  }</tr>`;
	return `<table class="table table-sm" style="max-width:60rem"><thead><tr><th></th><th></th>
		<th class="text-right">${__("Addressed")}</th>${
			control.members ? `<th class="text-right">${__("Control Group")}</th>` : ""
		}</tr></thead><tbody>${rows.join("")}${amounts}</tbody></table>`;
}

// what the campaign changed, against the members that it did not address
function effect_html(effect) {
	if (!effect) return "";
	const esc = frappe.utils.escape_html;
	const money = (text) => format_currency(Number(text), effect.currency);
	const row = (label, one, unit, show) =>
		one
			? `<tr><td>${label}</td><td class="text-right text-nowrap">${show(
					one.difference,
			  )}</td><td class="text-right text-nowrap">${show(one.low)}</td>
				<td class="text-right text-nowrap">${show(one.high)}</td><td class="text-muted">${unit}</td></tr>`
			: "";
	const points = (text) => format_number(Number(text), null, 1);
	const rows =
		row(__("Revenue per Member"), effect.revenue, esc(effect.currency), money) +
		row(__("Members with an Invoice"), effect.rate, __("percentage points"), points);
	return `<div data-effect class="mb-4"><h5>${__("What the Campaign Changed")}</h5>
		${
			rows
				? `<table class="table table-sm" style="max-width:60rem"><thead><tr><th></th>
				<th class="text-right">${__("More than Control Group")}</th>
				<th class="text-right">${__("At least")}</th><th class="text-right">${__("At most")}</th>
				<th></th></tr></thead><tbody>${rows}</tbody></table>`
				: ""
		}
		<p>${esc(effect.sentence)} ${esc(effect.rate_sentence)}</p>
		<p class="text-muted small">${__("Invoices up to {0}, at {1} % confidence.", [
			frappe.datetime.str_to_user(effect.until),
			esc(effect.confidence),
		])} ${esc(effect.method)}</p></div>`;
}

// letters that are due, and print runs that wait to be posted
function letters_html({ due_letters, print_runs }) {
	if (!due_letters && !print_runs.length) return "";
	const esc = frappe.utils.escape_html;
	const letter_button = (what, label, run = "") =>
		`<button class="btn btn-xs btn-default" data-letters="${what}" data-run="${esc(
			run,
		)}">${label}</button>`;
	const runs = print_runs.map(
		(run) =>
			`<tr><td>${__("{0} letters printed", [cint(run.letters)])}</td><td>${run.files
				.map(
					(file) =>
						`<a href="${encodeURI(file.file_url)}" target="_blank">${esc(
							file.file_name,
						)}</a>`,
				)
				.join(" · ")}</td><td class="text-right text-nowrap">${letter_button(
				"posted",
				__("They were posted"),
				run.print_run,
			)} ${letter_button("discard", __("Throw away"), run.print_run)}</td></tr>`,
	);
	return `<div class="border rounded p-3 mb-4"><h5>${__("Letters")}</h5>
		<p>${__("{0} letters are due.", [due_letters])} ${
			due_letters ? letter_button("print", __("Print Letters")) : ""
		}</p>${
			runs.length
				? `<table class="table table-sm"><tbody>${runs.join("")}</tbody></table>`
				: ""
		}</div>`;
}

// One call after the other: number and script on top, outcome and next step below
class CallList {
	constructor(frm) {
		this.frm = frm;
		this.skipped = new Set();
	}

	async next() {
		const answer = await frappe.xcall("crm_relations.interactions.api.reserve_call", {
			campaign: this.frm.doc.name,
			skipped: [...this.skipped],
		});
		this.call = answer.call;
		this.history = answer.history;
		if (!this.call) {
			this.dialog && this.dialog.hide();
			frappe.msgprint(
				this.skipped.size
					? __("No more calls but those you skipped.")
					: frappe.utils.escape_html(answer.reason),
			);
			return show_progress(this.frm);
		}
		this.show();
	}

	release() {
		const call = this.call;
		this.call = null;
		return (
			call && frappe.xcall("crm_relations.interactions.api.release_call", { send: call.send })
		);
	}

	show() {
		// a dialog of its own for each call: nothing of the last one can be left in it
		if (this.dialog) {
			this.dialog.onhide = null;
			this.dialog.hide();
			this.dialog.$wrapper.remove();
		}
		this.dialog = this.make();
		this.dialog.set_title(frappe.utils.escape_html(this.call.relation_name));
		const $member = this.dialog.fields_dict.member.$wrapper.html(this.member_html());
		if (this.call.script)
			$member
				.find("[data-script]")
				.empty()
				.append(crm_relations.framed(this.call.script, __("Call Script"), "14rem"));
		this.dialog.show();
	}

	make() {
		const dialog = new frappe.ui.Dialog({
			title: __("Call"),
			size: "large",
			no_submit_on_enter: true, // only the button records: Enter is pressed while writing the note
			fields: [
				{ fieldname: "member", fieldtype: "HTML" },
				{ fieldtype: "Section Break", label: __("Outcome") },
				{
					fieldname: "answer",
					fieldtype: "Select",
					label: __("Answer"),
					reqd: 1,
					options: [
						"",
						"Interested",
						"Not Interested",
						"Call Back",
						"Not Reached",
						"Unknown",
					],
				},
				{
					fieldname: "call_again_on",
					fieldtype: "Date",
					label: __("Call Again On"),
					depends_on: "eval:['Call Back', 'Not Reached'].includes(doc.answer)",
					mandatory_depends_on: "eval:doc.answer === 'Call Back'",
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
				Promise.resolve(this.release()).then(() => this.next());
			},
		});
		dialog.onhide = () => Promise.resolve(this.release()).then(() => show_progress(this.frm));
		return dialog;
	}

	async record(values) {
		await frappe.xcall("crm_relations.interactions.api.record_call", {
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
		});
		frappe.show_alert({ message: __("Recorded"), indicator: "green" });
		this.call = null;
		this.next();
	}

	member_html() {
		const esc = frappe.utils.escape_html;
		const call = this.call;
		const facts = [
			call.city && esc(call.city),
			__("Points: {0}", [cint(call.points)]),
			call.attempts &&
				__("tried {0} of {1} times", [cint(call.attempts), cint(call.max_tries)]),
			esc(__(call.legal_basis)),
			call.assigned_to &&
				call.assigned_to !== frappe.session.user &&
				__("of {0}", [esc(frappe.user.full_name(call.assigned_to))]),
		].filter(Boolean);
		return `<div class="d-flex justify-content-between align-items-baseline">
				<a class="h4" href="tel:${encodeURIComponent(call.phone)}">${esc(call.phone)}</a>
				<a href="${frappe.utils.get_form_link("Relation", call.relation)}" target="_blank">${__(
					"Customer file",
				)}</a></div>
			<p class="text-muted">${facts.join(" · ")}</p>
			<div class="mb-2" data-script><i>${__("No script")}</i></div>
			${this.history
				.map(
					(entry) =>
						`<div class="small text-muted">${frappe.datetime.str_to_user(
							String(entry.at || "").slice(0, 10),
						)} · ${esc(__(entry.kind || ""))} · ${esc(entry.title || "")}</div>`,
				)
				.join("")}`;
	}
}
