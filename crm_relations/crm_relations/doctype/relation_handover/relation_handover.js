// From marketing to sales: why this member, and the two answers sales can give.
frappe.ui.form.on("Relation Handover", {
	refresh(frm) {
		show_reasons(frm);
		frm.toggle_display("member", false); // relation and campaign say who it is
		frm.page.set_indicator(
			__(frm.doc.status),
			{ Proposed: "orange", Accepted: "green", Returned: "red" }[frm.doc.status],
		);
		if (frm.doc.status === "Proposed" && frm.perm[0]?.write) {
			frm.add_custom_button(__("Return"), () => give_back(frm));
			frm.add_custom_button(__("Accept"), () => accept(frm))
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

function show_reasons(frm) {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const reasons = JSON.parse(frm.doc.reasons || "[]");
	const rows = reasons.map((reason) => {
		const link =
			reason.document_type && frappe.model.can_read(reason.document_type)
				? `<a href="${escape(
						frappe.utils.get_form_link(reason.document_type, reason.document_name),
				  )}">${escape(__(reason.document_type))}</a>`
				: escape(__(reason.document_type));
		const points = cint(reason.points);
		return `<tr><td class="text-right">${points > 0 ? "+" : ""}${points}</td>
			<td>${escape(reason.description)}</td><td>${link}</td></tr>`;
	});
	frm.get_field("reasons_html").$wrapper.html(
		rows.length
			? `<table class="table table-bordered table-sm">
				<thead><tr><th class="text-right" style="width: 6em">${__("Points")}</th>
					<th>${__("Reason")}</th><th style="width: 30%">${__("Shown by")}</th></tr></thead>
				<tbody>${rows.join("")}</tbody>
				<tfoot><tr><th class="text-right">${cint(frm.doc.points)}</th>
					<th colspan="2">${__("Points when Proposed")}</th></tr></tfoot></table>`
			: `<p class="text-muted">${__("No reasons are recorded.")}</p>`,
	);
}

function accept(frm) {
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
		primary_action: async ({ salesperson }) => {
			dialog.disable_primary_action();
			let result;
			try {
				result = await frappe.xcall("crm_relations.pipeline.api.accept_handover", {
					handover: frm.doc.name,
					salesperson,
				});
			} finally {
				dialog.enable_primary_action();
			}
			dialog.hide();
			await frm.reload_doc();
			const opened = frappe.utils.get_form_link(result.doctype, result.name);
			const name_html = `<a href="${opened}">${frappe.utils.escape_html(result.name)}</a>`;
			frappe.show_alert({ message: __("Opened {0}", [name_html]), indicator: "green" }, 10);
		},
	});
	dialog.show();
}

function give_back(frm) {
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
			await frappe.xcall("crm_relations.qualification.api.return_handover", {
				handover: frm.doc.name,
				reason,
			});
			await frm.reload_doc();
		},
		__("Return to Marketing"),
		__("Return"),
	);
}
