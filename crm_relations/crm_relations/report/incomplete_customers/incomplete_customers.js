frappe.query_reports["Incomplete Customers"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
			reqd: 1,
		},
		{
			fieldname: "below",
			label: __("Completeness below (%)"),
			fieldtype: "Percent",
			default: 100,
		},
		{
			fieldname: "segment",
			label: __("Segment"),
			fieldtype: "Link",
			options: "Relation Segment",
		},
	],
	formatter(value, row, column, data, default_formatter) {
		// a link shows the title of its document where it is known
		if (column.fieldname === "relation" && data?.relation_name) {
			frappe.utils.add_link_title("Relation", data.relation, data.relation_name);
		}
		return default_formatter(value, row, column, data);
	},
};
