// The handover from marketing to sales: the reasons for this member, and the two answers that sales can give.

import { api } from "../lib/api.js";
import { color_of, HandoverStatus } from "../lib/enums.js";
import { fill_html, html, show_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

frappe.ui.form.on("Relation Handover", {
	refresh(frm) {
		show_html(
			frm.get_field("reasons_html").$wrapper,
			reasons_html(JSON.parse(frm.doc.reasons || "[]"), frm.doc.points),
		);
		frm.toggle_display("member", false); // relation and campaign name the member
		frm.page.set_indicator(__(frm.doc.status), color_of("HandoverStatus", frm.doc.status));
		if (frm.doc.status === HandoverStatus.PROPOSED && frm.perm[0]?.write) {
			frm.add_custom_button(__("Return"), () => ask_return(frm));
			frm.add_custom_button(__("Accept"), () => ask_accept(frm))
				.removeClass("btn-default")
				.addClass("btn-primary");
		}
		if (frm.doc.document_name) {
			frm.add_custom_button(__(frm.doc.document_type), () =>
				frappe.set_route("Form", frm.doc.document_type, frm.doc.document_name),
			);
		}
		frm.add_custom_button(__("Customer File"), () =>
			frappe.set_route("Form", "Relation", frm.doc.relation),
		);
	},
});

function reason_row({ document_type, document_name, description, points }) {
	const label = __(document_type);
	const may_read = document_type && frappe.model.can_read(document_type);
	const number = cint(points);
	return html`<tr>
		<td class="text-right">${number > 0 && "+"}${number}</td>
		<td>${description}</td>
		<td>${may_read ? link_html(document_type, document_name, label) : label}</td>
	</tr>`;
}

function reasons_html(reasons, points) {
	if (!reasons.length) return html`<p class="text-muted">${__("No reasons are recorded.")}</p>`;
	return html`<table class="table table-bordered table-sm">
		<thead>
			<tr>
				<th class="text-right" style="width: 6em">${__("Points")}</th>
				<th>${__("Reason")}</th>
				<th style="width: 30%">${__("Shown by")}</th>
			</tr>
		</thead>
		<tbody>
			${reasons.map(reason_row)}
		</tbody>
		<tfoot>
			<tr>
				<th class="text-right">${cint(points)}</th>
				<th colspan="2">${__("Points when Proposed")}</th>
			</tr>
		</tfoot>
	</table>`;
}

function ask_accept(frm) {
	const dialog = new frappe.ui.Dialog({
		title: __("Accept the Handover"),
		fields: [
			{
				fieldname: "salesperson",
				fieldtype: "Link",
				options: "User",
				label: __("Responsible Salesperson"),
				default: frm.doc.salesperson || frappe.session.user,
				reqd: 1,
				description: __("Gets an opportunity and a task to contact the relation"),
			},
		],
		primary_action_label: __("Accept"),
		primary_action: ({ salesperson }) => accept(frm, dialog, salesperson),
	});
	dialog.show();
}

async function accept(frm, dialog, salesperson) {
	dialog.disable_primary_action();
	let opened;
	try {
		opened = await api("crm_relations.pipeline.api").post("accept_handover", {
			handover: frm.doc.name,
			salesperson,
		});
	} finally {
		dialog.enable_primary_action();
	}
	dialog.hide();
	await frm.reload_doc();
	const message_html = fill_html(__("Opened {0}"), [link_html(opened.doctype, opened.name)]);
	frappe.show_alert({ message: String(message_html), indicator: "green" }, 10);
}

function ask_return(frm) {
	frappe.prompt(
		{
			fieldname: "reason",
			fieldtype: "Small Text",
			label: __("Reason"),
			reqd: 1,
			description: __(
				"Shown to marketing. The member is proposed again only with more points",
			),
		},
		async ({ reason }) => {
			await api("crm_relations.qualification.api").post("return_handover", {
				handover: frm.doc.name,
				reason,
			});
			await frm.reload_doc();
		},
		__("Return to Marketing"),
		__("Return"),
	);
}
