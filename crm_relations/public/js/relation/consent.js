// Consent on the customer file: where each channel stands, an objection with one click, the request to confirm by mail.

import { api } from "../lib/api.js";
import { date } from "../lib/format.js";
import { escape, html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const consents = api("crm_relations.campaigns.recipient_pages.api");
const WAYS = ["By telephone", "By letter", "By email", "In person"];

frappe.ui.form.on("Relation", {
	refresh(frm) {
		if (frm.is_new() || !frappe.model.can_read("Relation Consent")) return;
		const group = __("Consent");
		if (frappe.model.can_create("Relation Consent")) {
			for (const way of WAYS) {
				frm.add_custom_button(
					__("Objects to Advertising: {0}", [__(way)]),
					() => record(frm, way),
					group,
				);
			}
			frm.add_custom_button(__("Ask to Confirm by Email"), () => ask(frm), group);
		}
		frm.add_custom_button(__("Show Consent"), () => show(frm), group);
	},
});

async function record(frm, way) {
	const relation = frm.doc.name;
	const answer = await consents.post("object_to_advertising", { relation, way });
	frappe.show_alert({ message: escape(answer.message), indicator: "green" });
	show(frm);
}

async function ask(frm) {
	const { purposes } = await consents.post("overview", { relation: frm.doc.name });
	const hint_html = html`<p class="text-muted">
		${__(
			"Only for people that have asked for our emails: a request for consent by email is itself advertising.",
		)}
	</p>`;
	const dialog = new frappe.ui.Dialog({
		title: __("Ask to Confirm by Email"),
		fields: [
			{ fieldtype: "HTML", options: String(hint_html) },
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
			const answer = await consents.post("request_opt_in", {
				relation: frm.doc.name,
				purposes: values.purposes || [],
				source: values.source,
			});
			dialog.hide();
			frappe.show_alert({ message: escape(answer.message), indicator: "green" });
		},
	});
	dialog.show();
}

function channel_row({ channel, address, allowed, basis, reason }) {
	const [color, word] = allowed ? ["green", __("Allowed")] : ["red", __("Not allowed")];
	return html`<tr>
		<td>${__(channel)}</td>
		<td>${address}</td>
		<td><span class="indicator-pill ${color}">${word}</span></td>
		<td>${__(basis || reason)}</td>
	</tr>`;
}

function event_row({ name, given_at, channel, event, purpose, source }) {
	return html`<tr>
		<td>${link_html("Relation Consent", name, date(given_at))}</td>
		<td>${__(channel)}</td>
		<td>${__(event)}</td>
		<td>${purpose}</td>
		<td>${source}</td>
	</tr>`;
}

const table = (rows) =>
	rows.length > 0 &&
	html`<table class="table table-sm">
		<tbody>
			${rows}
		</tbody>
	</table>`;

async function show(frm) {
	const { channels, events, preferences } = await consents.post("overview", {
		relation: frm.doc.name,
	});
	const note = __(
		"If the campaign has advertised item groups, existing customers may also get its emails (§ 7 (3) UWG).",
	);
	const page = __("Page of preferences");
	const message_html = html`${table(channels.map(channel_row))}
		<p class="text-muted">${note}</p>
		${table(events.map(event_row))}
		<p><a href="${preferences}" target="_blank" rel="noopener">${page}</a></p>`;
	frappe.msgprint({ title: __("Consent"), wide: true, message: String(message_html) });
}
