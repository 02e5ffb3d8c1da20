// The profile on the form of a relation: what is missing to be complete, and what stands behind it in ERPNext.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const call = (method, args) =>
		frappe.xcall(`crm_relations.relations.api.${method}`, args, "GET");
	const link = (doctype, name, text) =>
		`<a href="${escape(frappe.utils.get_form_link(doctype, name))}">${escape(
			text || name,
		)}</a>`;

	const address_text = (row) =>
		[
			row.address_line1,
			[row.pincode, row.city].filter(Boolean).join(" "),
			row.country,
			row.phone,
			row.email_id,
		]
			.filter(Boolean)
			.join(", ");
	const contact_text = (row) =>
		[row.designation, row.email_id, row.phone, row.mobile_no].filter(Boolean).join(", ");

	function list_html(heading, rows) {
		if (!rows.length) return "";
		return `<h6 class="mt-3 mb-1 text-muted">${heading}</h6><ul class="list-unstyled mb-0">${rows
			.map((row) => `<li class="py-1">${row}</li>`)
			.join("")}</ul>`;
	}

	function behind_html(found) {
		const more = (text) => (text ? ` <span class="text-muted">${escape(text)}</span>` : "");
		return (
			list_html(
				__("Documents in ERPNext"),
				found.parties.map(
					(party) =>
						`<span class="text-muted">${escape(party.label)}</span> ` +
						link(party.doctype, party.name, party.title),
				),
			) +
			list_html(
				__("Addresses"),
				found.addresses.map((row) => link("Address", row.name) + more(address_text(row))),
			) +
			list_html(
				__("Contacts"),
				found.contacts.map(
					(row) =>
						link(
							"Contact",
							row.name,
							[row.first_name, row.last_name].filter(Boolean).join(" "),
						) + more(contact_text(row)),
				),
			) +
			(found.hidden
				? `<p class="text-muted small mt-2">${__(
						"{0} documents are hidden: you may not read them.",
						[cint(found.hidden)],
				  )}</p>`
				: "")
		);
	}

	frappe.ui.form.on("Relation", {
		async refresh(frm) {
			frm.get_field("behind_html").$wrapper.empty();
			frm.set_df_property("completeness", "description", "");
			if (frm.is_new()) return;
			const name = frm.doc.name;
			const [found, missing] = await Promise.all([
				call("behind", { relation: name }),
				call("missing_fields", { relation: name }),
			]);
			if (frm.doc.name !== name) return; // another form was opened meanwhile
			frm.get_field("behind_html").$wrapper.html(behind_html(found));
			if (missing.length) {
				frm.set_df_property(
					"completeness",
					"description",
					__("Still missing: {0}", [missing.map(escape).join(", ")]),
				);
			}
		},
	});
})();
