// A merge can be taken back: both relations are then as they were.
frappe.ui.form.on("Relation Merge", {
	refresh(frm) {
		frm.disable_save();
		const { MergeState, color_of } = crm_relations.enums;
		frm.page.set_indicator(__(frm.doc.state), color_of("MergeState", frm.doc.state));
		if (frm.doc.state !== MergeState.MERGED || !frm.perm[0].write) return;
		frm.add_custom_button(__("Undo"), () => {
			const dialog = new frappe.ui.Dialog({
				title: __("Undo the Merge"),
				fields: [
					{
						fieldtype: "HTML",
						options: `<p>${__(
							"Both relations are restored. Changes made since the merge stay with the surviving relation.",
						)}</p>`,
					},
					{
						fieldname: "different",
						fieldtype: "Check",
						label: __("Not a Duplicate: do not propose again"),
					},
				],
				primary_action_label: __("Undo"),
				async primary_action({ different }) {
					dialog.hide();
					const left = await frappe.xcall("crm_relations.relations.merging.api.undo", {
						merge: frm.doc.name,
						different: Boolean(different),
					});
					frappe.show_alert({
						message: left.length
							? __("Undone. {0} later changes were kept.", [left.length])
							: __("Undone"),
						indicator: "green",
					});
					frm.reload_doc();
				},
			});
			dialog.show();
		});
	},
});
