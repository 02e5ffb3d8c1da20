// Which campaigns earned the lines of a posted invoice, with the way to the statement.
frappe.ui.form.on("Sales Invoice", {
	async refresh(frm) {
		if (frm.doc.docstatus !== 1) return;
		const rows = await frappe.xcall("crm_relations.ledger.api.campaigns_of_invoice", {
			invoice: frm.doc.name,
		});
		if (!rows.length || frm.doc.docstatus !== 1) return;
		const currency = frappe.get_doc(":Company", frm.doc.company)?.default_currency;
		const earned = rows
			.map((row) => {
				const link = link_html("Relation Campaign", row.campaign);
				// a decimal string: read as text in the number format of the site, its point would count as a group
				return `${link} ${format_currency(Number(row.amount), currency)}`;
			})
			.join(", ");
		frm.dashboard.add_comment(__("Earned by campaigns: {0}", [earned]), "blue", true);
		frm.add_custom_button(__("Why This Campaign?"), () => explain(frm), __("View"));
		if (frappe.model.can_read("Relation Attribution")) {
			frm.add_custom_button(
				__("Campaign Statement"),
				() =>
					frappe.set_route("query-report", "Campaign Statement", {
						company: frm.doc.company,
						from_date: frm.doc.posting_date,
						to_date: frappe.datetime.get_today(),
					}),
				__("View"),
			);
		}
	},
});

function link_html(doctype, name) {
	const address = frappe.utils.get_form_link(doctype, name);
	return `<a href="${address}">${frappe.utils.escape_html(name)}</a>`;
}

// Each campaign with its share and what it rests on: the documents before the invoice, or the answers that a rule counts.
async function explain(frm) {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const reasons = await frappe.xcall(
		"crm_relations.ledger.api.explain_attribution",
		{ invoice: frm.doc.name },
		"GET",
	);
	const currency = frappe.get_doc(":Company", frm.doc.company)?.default_currency;
	const documents = {
		sales_order: "Sales Order",
		delivery_note: "Delivery Note",
		pos_invoice: "POS Invoice",
		return_against: "Sales Invoice",
		amended_from: "Sales Invoice",
		subscription: "Subscription",
	};
	const by_chain = (evidence) => {
		const before = Object.entries(documents)
			.filter(([field]) => evidence[field])
			.map(
				([field, doctype]) =>
					`${escape(__(doctype))} ${link_html(doctype, evidence[field])}`,
			);
		return before.length
			? __("The document carries it, from {0}.", [before.join(", ")])
			: __("The document carries it.");
	};
	const by_rule = (evidence) => {
		const about = __(
			"{0} of the {1} answers in the {2} days before the invoice are to this campaign.",
			[
				cint(evidence.answers_of_campaign),
				cint(evidence.answers_in_all),
				cint(evidence.days),
			],
		);
		const answers = (evidence.answers || []).map((answer) => {
			const at = frappe.datetime.str_to_user(answer.at.slice(0, 19));
			const link = `<a href="${escape(
				frappe.utils.get_form_link("Relation Campaign Response", answer.name),
			)}">${escape(__(answer.type))}, ${escape(at)}</a>`;
			return `<li>${link} (${__("weight")} ${escape(Number(answer.weight))})</li>`;
		});
		return `${about}<ul class="mb-0">${answers.join("")}</ul>`;
	};
	const rows = reasons.campaigns.map((row) => {
		const chain = row.rule === "Document Chain";
		return `<tr><td>${link_html("Relation Campaign", row.campaign)}</td>
			<td class="text-right">${format_currency(Number(row.amount), currency)}</td>
			<td class="text-right">${chain ? "" : escape(`${row.share} %`)}</td>
			<td>${escape(__(row.rule))}</td><td>${
				chain ? by_chain(row.evidence) : by_rule(row.evidence)
			}</td></tr>`;
	});
	const head = [__("Campaign"), __("Amount"), __("Share"), __("Rule"), __("Reason")];
	const dialog = new frappe.ui.Dialog({ title: __("Why This Campaign?"), size: "extra-large" });
	dialog.$body.append(
		`<div class="table-responsive p-3"><table class="table table-sm"><thead><tr>${head
			.map((text) => `<th scope="col" class="text-muted">${text}</th>`)
			.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`,
	);
	dialog.show();
}
