// Filters that several reports share. Each is a function: a report may change its copy.

const filter = (df) => (changes) => ({ ...df(), ...changes });

export const company = filter(() => ({
	fieldname: "company",
	label: __("Company"),
	fieldtype: "Link",
	options: "Company",
	default: frappe.defaults.get_user_default("Company"),
	reqd: 1,
}));

export const from_date = filter(() => ({
	fieldname: "from_date",
	label: __("From Date"),
	fieldtype: "Date",
}));

export const to_date = filter(() => ({
	fieldname: "to_date",
	label: __("To Date"),
	fieldtype: "Date",
	default: frappe.datetime.get_today(),
	reqd: 1,
}));

export const campaigns = filter(() => ({
	fieldname: "campaigns",
	label: __("Campaigns"),
	fieldtype: "MultiSelectList",
	get_data: (text) => frappe.db.get_link_options("Relation Campaign", text),
}));

export const salesperson = filter(() => ({
	fieldname: "salesperson",
	label: __("Sales Person"),
	fieldtype: "Link",
	options: "Sales Person",
}));

/** A segment; reports use it for the customers of invoices, or for the audience of campaigns. */
export const segment = filter(() => ({
	fieldname: "members_of",
	label: __("Invoices of Members of"),
	fieldtype: "Link",
	options: "Relation Segment",
}));
