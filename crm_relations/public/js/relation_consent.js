// Consent on the customer file: how things stand by channel, an objection in one click, asking for confirmation by mail.
{
	const API = "crm_relations.campaigns.recipient_pages.api.";

	frappe.ui.form.on("Relation", {
		refresh(frm) {
			if (frm.is_new() || !frappe.model.can_read("Relation Consent")) return;
			const group = __("Consent");
			if (frappe.model.can_create("Relation Consent")) {
				for (const way of ["By telephone", "By letter", "By e-mail", "In person"]) {
					frm.add_custom_button(
						__("Objects to Advertising: {0}", [__(way)]),
						() => record(frm, way),
						group,
					);
				}
				frm.add_custom_button(__("Ask to Confirm by E-mail"), () => ask(frm), group);
			}
			frm.add_custom_button(__("Show Consent"), () => show(frm), group);
		},
	});

	async function record(frm, way) {
		const answer = await frappe.xcall(API + "object_to_advertising", {
			relation: frm.doc.name,
			way,
		});
		frappe.show_alert({
			message: frappe.utils.escape_html(answer.message),
			indicator: "green",
		});
		show(frm);
	}

	async function ask(frm) {
		const { purposes } = await frappe.xcall(API + "overview", { relation: frm.doc.name });
		const dialog = new frappe.ui.Dialog({
			title: __("Ask to Confirm by E-mail"),
			fields: [
				{
					fieldtype: "HTML",
					options: `<p class="text-muted">${__(
						"Only for people who have asked for our e-mails: to ask for consent by e-mail is advertising itself.",
					)}</p>`,
				},
				{
					fieldname: "purposes",
					fieldtype: "MultiCheck",
					label: __("Purposes"),
					options: purposes.map((row) => ({ label: row.title, value: row.name })),
				},
				{
					fieldname: "source",
					fieldtype: "Data",
					label: __("Source"),
					description: __("Where and when the person asked for it"),
					reqd: 1,
				},
			],
			primary_action_label: __("Send"),
			async primary_action(values) {
				const answer = await frappe.xcall(API + "request_opt_in", {
					relation: frm.doc.name,
					purposes: values.purposes || [],
					source: values.source,
				});
				dialog.hide();
				frappe.show_alert({
					message: frappe.utils.escape_html(answer.message),
					indicator: "green",
				});
			},
		});
		dialog.show();
	}

	async function show(frm) {
		const state = await frappe.xcall(API + "overview", { relation: frm.doc.name });
		const esc = frappe.utils.escape_html;
		const channels = state.channels
			.map((row) => {
				const pill = row.allowed ? "green" : "red";
				const word = row.allowed ? __("Allowed") : __("Not allowed");
				return `<tr><td>${esc(__(row.channel))}</td><td>${esc(row.address)}</td>
					<td><span class="indicator-pill ${pill}">${word}</span></td>
					<td>${esc(__(row.basis || row.reason))}</td></tr>`;
			})
			.join("");
		const events = state.events
			.map(
				(row) => `<tr><td><a href="${frappe.utils.get_form_link(
					"Relation Consent",
					row.name,
				)}">${frappe.datetime.str_to_user(row.given_at)}</a></td>
				<td>${esc(__(row.channel))}</td><td>${esc(__(row.event))}</td><td>${esc(row.purpose)}</td><td>${esc(
					row.source,
				)}</td></tr>`,
			)
			.join("");
		frappe.msgprint({
			title: __("Consent"),
			wide: true,
			message: `<table class="table table-sm"><tbody>${channels}</tbody></table>
				<p class="text-muted">${__(
					"For a campaign that names item groups, existing customers may get e-mails too (§ 7 (3) UWG).",
				)}</p>
				${events ? `<table class="table table-sm"><tbody>${events}</tbody></table>` : ""}
				<p><a href="${esc(state.preferences)}" target="_blank" rel="noopener">${__(
				"Page of preferences",
			)}</a></p>`,
		});
	}
}
