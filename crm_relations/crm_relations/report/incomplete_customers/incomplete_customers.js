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
		{ fieldname: "below", label: __("Completeness below (%)"), fieldtype: "Percent", default: 100 },
	],
};
