// A scheme can take a criterion's condition from the rule of a segment, where it is built with a preview.
(() => {
	function from_segment(frm) {
		frappe.prompt(
			[
				{
					fieldname: "segment",
					fieldtype: "Link",
					options: "Relation Segment",
					label: __("Segment"),
					get_query: () => ({
						filters: { kind: crm_relations.enums.SegmentKind.DYNAMIC },
					}),
					reqd: 1,
					description: __(
						"Its rule is copied: later changes of the segment do not change the points",
					),
				},
				{ fieldname: "points", fieldtype: "Int", label: __("Points"), reqd: 1 },
			],
			async ({ segment, points }) => {
				const { message } = await frappe.db.get_value("Relation Segment", segment, "rule");
				frm.add_child("criteria", {
					description: segment,
					basis: "Relation",
					condition: message.rule,
					points,
				});
				frm.refresh_field("criteria");
				frm.dirty();
			},
			__("Criterion from a Segment"),
			__("Add"),
		);
	}

	frappe.ui.form.on("Relation Qualification Scheme", {
		refresh(frm) {
			frm.add_custom_button(__("Criterion from a Segment"), () => from_segment(frm));
		},
	});
})();
