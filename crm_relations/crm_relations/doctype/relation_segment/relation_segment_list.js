// The list of segments shows how many members the user may read; a broken rule is orange.
frappe.listview_settings["Relation Segment"] = {
	add_fields: ["kind", "state", "disabled"],
	hide_name_column: true,
	get_indicator(doc) {
		if (doc.disabled) return [__("Disabled"), "gray", "disabled,=,1"];
		if (doc.state === "Rule Broken")
			return [__("Rule Broken"), "orange", "state,=,Rule Broken"];
		const colors = { Dynamic: "blue", Snapshot: "purple", Manual: "green" };
		return [__(doc.kind), colors[doc.kind] || "gray", `kind,=,${doc.kind}`];
	},
	async refresh(list) {
		const names = list.data.map((doc) => doc.name);
		if (!names.length) return;
		const counts = await frappe.xcall(
			"crm_relations.segments.api.counts",
			{ segments: names },
			"GET",
		);
		list.$result.find(".list-row-container").each((i, row) => {
			const count = counts[list.data[i]?.name];
			if (count === undefined) return;
			$(row).find(".rs-list-count").remove();
			$(`<span class="rs-list-count text-muted ml-2"></span>`)
				.text(
					count === 1
						? __("{0} member", [1])
						: __("{0} members", [format_number(count, null, 0)]),
				)
				.insertAfter($(row).find(".list-subject a").last());
		});
	},
};
