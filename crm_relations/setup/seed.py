"""What a new site starts with: role types and profile options. An option that exists is never overwritten."""

import frappe

#: role, is a stage, order, colour, description
ROLE_TYPES = (
	("Lead", 1, 1, "blue", "An open lead"),
	("Prospect", 1, 2, "orange", "A qualified lead, an open opportunity or quotation"),
	("Customer", 1, 3, "green", "A submitted order or invoice"),
	("Debtor", 0, 0, "red", "An open receivable in the ledger"),
	("Supplier", 0, 0, "purple", "A supplier document"),
	("Employee", 0, 0, "gray", "An employee document"),
)

PROFILE_OPTIONS = {
	"Age Group": ("under 18", "18–29", "30–44", "45–59", "60–74", "75 and older"),
	"Income Group": ("low", "lower middle", "middle", "upper middle", "high"),
	"Buying Behaviour": (
		"price-conscious",
		"quality-conscious",
		"brand-loyal",
		"impulsive",
		"occasional",
		"regular",
	),
	"Education": (
		"no degree",
		"basic schooling",
		"vocational training",
		"higher education entrance",
		"university",
	),
	"Risk Attitude": ("risk-averse", "risk-neutral", "risk-taking"),
	"Market Orientation": ("B2B", "B2C", "B2B and B2C"),
}


def seed() -> None:
	"""Insert the role types and, for each attribute that has no option at all, its default options."""
	for role, is_stage, order, color, description in ROLE_TYPES:
		if not frappe.db.exists("Relation Role Type", role):
			frappe.get_doc(
				{
					"doctype": "Relation Role Type",
					"role_name": role,
					"is_stage": is_stage,
					"stage_order": order,
					"color": color,
					"is_standard": 1,
					"description": description,
				}
			).insert(ignore_permissions=True)
	for attribute, values in PROFILE_OPTIONS.items():
		if frappe.db.exists("Relation Profile Option", {"attribute": attribute}):
			continue  # seeded before; what the admin deleted since stays deleted
		for order, value in enumerate(values, start=1):
			frappe.get_doc(
				{
					"doctype": "Relation Profile Option",
					"attribute": attribute,
					"option_value": value,
					"sort_order": order,
				}
			).insert(ignore_permissions=True)
