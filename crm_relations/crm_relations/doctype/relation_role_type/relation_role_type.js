// The playbook of a role type: which actions there are, says the server; users of a task are users of the desk.
frappe.ui.form.on("Relation Role Type", {
	setup(frm) {
		frm.set_query("user", "activities", () => ({
			filters: { enabled: 1, user_type: "System User" },
		}));
		frm.set_query("role", "activities", () => ({ filters: { disabled: 0, desk_access: 1 } }));
	},
	async refresh(frm) {
		if (!frm.perm[0]?.write) return;
		const choices = await frappe.xcall("crm_relations.relations.api.action_choices", {}, "GET");
		frm.fields_dict.actions.grid.update_docfield_property("action", "options", [
			{ value: "", label: "" },
			...choices,
		]);
		frm.refresh_field("actions");
	},
});
