// Button on a party document of ERPNext (customer, lead, supplier …) that opens its customer file.
(() => {
	const events = {
		refresh(frm) {
			if (frm.is_new() || !frappe.model.can_read("Relation")) return;
			frm.page.remove_inner_button(__("Customer File")); // the file comes with each of the doctypes
			frm.add_custom_button(__("Customer File"), async () => {
				const relation = await frappe.xcall("crm_relations.relations.api.open_relation", {
					doctype: frm.doctype,
					name: frm.doc.name,
				});
				frappe.set_route("Form", "Relation", relation);
			});
		},
	};
	for (const doctype of ["Customer", "Lead", "Prospect", "Supplier", "Employee", "Contact"]) {
		frappe.ui.form.on(doctype, events);
	}
})();
