// Incomplete Customers: the relation of a row is shown by its title.
(() => {
	const { filters } = crm_relations.reports;

	frappe.query_reports["Incomplete Customers"] = {
		filters: [
			filters.company(),
			{
				fieldname: "below",
				label: __("Completeness below (%)"),
				fieldtype: "Percent",
				default: 100,
			},
			filters.segment({ fieldname: "segment", label: __("Segment") }),
		],
		formatter(value, row, column, data, default_formatter) {
			// a link shows the title of its document where it is known
			if (column.fieldname === "relation" && data?.relation_name) {
				frappe.utils.add_link_title("Relation", data.relation, data.relation_name);
			}
			return default_formatter(value, row, column, data);
		},
	};
})();
