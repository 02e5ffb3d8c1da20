// A campaign's step as one relation would get it, and a test message to a colleague.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const API = "crm_relations.campaigns.api.";
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));

	/** A rendered text in a frame of its own: its styles stay in there, and no script of it runs. */
	frappe.provide("crm_relations").framed = (html, title, height) =>
		$("<iframe>").attr({ sandbox: "", title, srcdoc: html }).css({
			width: "100%",
			height,
			border: "1px solid var(--border-color)",
			background: "#fff",
		});

	// "name" or "name|B", where a step is tested in two variants
	function chosen(dialog) {
		const [step, variant] = (dialog.get_value("step") || "").split("|");
		return { step, second: variant === "B" ? 1 : 0 };
	}

	async function show(dialog, frm) {
		const { step, second } = chosen(dialog);
		if (!step) return;
		const $answer = dialog.get_field("answer").$wrapper.empty();
		const made = await frappe.xcall(
			API + "preview_step",
			{
				campaign: frm.doc.name,
				step,
				second,
				relation: dialog.get_value("relation") || null,
			},
			"GET",
		);
		dialog.relation = made.relation;
		const reached = made.allowed
			? `<span class="indicator-pill green">${__("may be reached")}</span> ${escape(
					made.basis,
			  )}`
			: `<span class="indicator-pill orange">${__("is left out")}</span> ${escape(
					made.reason,
			  )}`;
		$answer.append(
			`<p>${__("To")}: <b>${escape(made.relation_name)}</b> ${escape(
				made.recipient,
			)} ${reached}</p>`,
		);
		if (made.proof) $answer.append(`<p class="text-muted">${escape(made.proof)}</p>`);
		if (made.step_type === "E-mail")
			$answer.append(`<p>${__("Subject")}: <b>${escape(made.subject)}</b></p>`);
		$answer.append(crm_relations.framed(made.html, __("Message"), "420px"));
		const is_mail = made.step_type === "E-mail" && frm.perm[0]?.write;
		dialog.get_primary_btn().toggle(Boolean(is_mail));
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
				const message = await frappe.xcall(API + "send_test", {
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
})();
