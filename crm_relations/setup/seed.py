"""Seed a new site with role types and profile options. An option that exists is never overwritten."""

import frappe

from crm_relations.campaigns.consents import purposes
from crm_relations.relations import actions
from crm_relations.relations.profiles import completeness
from crm_relations.relations.rules import KIND_OF_PROFILE, PROFILE_FIELDS
from crm_relations.shared.access.system_fields import trusted

#: role, is a stage, order, color, description
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
#: data that by law or custom only few users should see; the date of birth is added by its field
CONFIDENTIAL = ("Income Group", "Risk Attitude")


#: label, label from the other side, kinds of the two ends, no circles
LINK_TYPES = (
	("works for", "employs", "Both", "Both", 0),
	("subsidiary of", "parent of", "Organisation", "Organisation", 1),
	("recommended by", "recommended", "Both", "Both", 0),
)


def seed() -> None:
	"""Insert missing role types, attributes with their options, and fields that count."""
	for role, is_stage, order, color, description in ROLE_TYPES:
		if not frappe.db.exists("Relation Role Type", role):
			trusted(
				frappe.get_doc(
					{
						"doctype": "Relation Role Type",
						"role_name": role,
						"is_stage": is_stage,
						"stage_order": order,
						"color": color,
						"is_standard": 1,
						"description": description,
						"actions": [{"action": label} for label in actions.labels_for(role)],
					}
				)
			).insert(ignore_permissions=True)
	_seed_link_types()
	_seed_profile()
	_seed_purposes()
	_seed_settings()


def _seed_link_types() -> None:
	for link_type, reverse, from_kind, to_kind, no_circles in LINK_TYPES:
		if not frappe.db.exists("Relation Link Type", link_type):
			trusted(
				frappe.get_doc(
					{
						"doctype": "Relation Link Type",
						"link_type": link_type,
						"reverse_label": reverse,
						"from_kind": from_kind,
						"to_kind": to_kind,
						"no_circles": no_circles,
						"is_standard": 1,
					}
				)
			).insert(ignore_permissions=True)


def _seed_settings() -> None:
	"""Set numbers of Relation Settings that were never entered: a stored single gets no defaults."""
	stored = frappe.db.get_singles_dict("Relation Settings")
	for fieldname, value in purposes.SETTINGS.items():
		if stored.get(fieldname) is None:
			frappe.db.set_single_value("Relation Settings", fieldname, value)


def _seed_purposes() -> None:
	"""Seed the purposes once: what the administrator has changed or deleted since stays that way."""
	if frappe.db.count("Relation Consent Purpose"):
		return
	for purpose, on_sign_up, order, texts in purposes.SEED:
		frappe.get_doc(
			{
				"doctype": "Relation Consent Purpose",
				"purpose": purpose,
				"on_sign_up": on_sign_up,
				"sort_order": order,
				"texts": [
					{"language": language, "title": title, "declaration": declaration, "version": "1"}
					for language, (title, declaration) in texts.items()
				],
			}
		).insert(ignore_permissions=True)


def _seed_profile() -> None:
	"""Seed attributes, options and the fields that count.

	A standard attribute cannot be deleted. Where it exists its options were seeded, and what the
	administrator has changed, added or deleted since stays that way.
	"""
	if not frappe.db.count("Relation Profile Attribute"):
		_seed_completeness()
	for place, (attribute, values) in enumerate(PROFILE_OPTIONS.items(), start=1):
		if frappe.db.exists("Relation Profile Attribute", attribute):
			continue
		fieldname = PROFILE_FIELDS[attribute]
		trusted(
			frappe.get_doc(
				{
					"doctype": "Relation Profile Attribute",
					"label": attribute,
					"fieldname": fieldname,
					"applies_to": KIND_OF_PROFILE.get(fieldname, "Both"),
					"value_type": "Option",
					"confidential": int(attribute in CONFIDENTIAL),
					"is_standard": 1,
					"sort_order": place,
				}
			)
		).insert(ignore_permissions=True)
		if frappe.db.exists("Relation Profile Option", {"attribute": attribute}):
			continue  # of a version that had options only
		for order, value in enumerate(values, start=1):
			frappe.get_doc(
				{
					"doctype": "Relation Profile Option",
					"attribute": attribute,
					"option_value": value,
					"sort_order": order,
				}
			).insert(ignore_permissions=True)


def _seed_completeness() -> None:
	"""Insert the rows of the settings without saving them: this must not touch their switches."""
	for idx, (applies_to, fieldname, alternative, weight) in enumerate(completeness.DEFAULTS, start=1):
		frappe.get_doc(
			{
				"doctype": "Relation Completeness Field",
				"parent": "Relation Settings",
				"parenttype": "Relation Settings",
				"parentfield": "completeness_fields",
				"idx": idx,
				"applies_to": applies_to,
				"profile_field": fieldname,
				"alternative": alternative,
				"weight": weight,
			}
		).db_insert()
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
