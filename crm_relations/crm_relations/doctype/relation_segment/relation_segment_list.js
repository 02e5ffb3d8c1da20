// Segments with the number of members that the user may read; a broken rule is orange.
frappe.listview_settings["Relation Segment"] = {
	add_fields: ["kind", "state", "disabled"],
	hide_name_column: true,
	get_indicator(doc) {
		if (doc.disabled) return [__("Disabled"), "gray", "disabled,=,1"];
		return doc.state === crm_relations.enums.SegmentState.RULE_BROKEN
			? crm_relations.lists.indicator("SegmentState", "state", doc)
			: crm_relations.lists.indicator("SegmentKind", "kind", doc);
	},
	async refresh(list) {
		const segments = list.data.map((doc) => doc.name);
		if (!segments.length) return;
		const counts = await frappe.xcall("crm_relations.segments.api.counts", { segments }, "GET");
		list.$result.find(".list-row-container").each((i, row) => {
			const count = counts[list.data[i]?.name];
			if (count === undefined) return;
			const number = format_number(count, null, 0);
			$(row).find(".rs-list-count").remove();
			$(`<span class="rs-list-count text-muted ml-2"></span>`)
				.text(count === 1 ? __("{0} member", [1]) : __("{0} members", [number]))
				.insertAfter($(row).find(".list-subject a").last());
		});
	},
};
