// The way from a party document of ERPNext (customer, lead, supplier …) to its customer file.
for (const doctype of ["Customer", "Lead", "Prospect", "Supplier", "Employee", "Contact"]) {
	frappe.ui.form.on(doctype, {
		refresh(frm) {
			if (frm.is_new() || !frappe.model.can_read("Relation")) return;
			frm.page.remove_inner_button(__("Customer File"));
			frm.add_custom_button(__("Customer File"), async () => {
				const relation = await frappe.xcall("crm_relations.relations.api.open_relation", {
					doctype: frm.doctype,
					name: frm.doc.name,
				});
				frappe.set_route("Form", "Relation", relation);
			});
		},
	});
}
