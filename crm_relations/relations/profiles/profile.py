"""Validate the profile of a relation from a form or an import. Writes nothing but normalized values.

Values from documents are checked during adoption, where a bad value is left out; here it is refused.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_relations.relations.profiles import attributes
from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.refusals import refuse


def clean_name(doc: Document) -> None:
	"""Require a name that is more than blanks."""
	doc.relation_name = (doc.relation_name or "").strip()
	if not doc.relation_name:
		refuse(
			_("{0}: a relation needs a name. Enter one."),
			_(doc.meta.get_label("relation_name")),
			exception=frappe.MandatoryError,
		)


def clean_email(doc: Document) -> None:
	"""Keep the bare address in lower case: `Anna <A@Kunde.de>` becomes `a@kunde.de`."""
	doc.email_id = (doc.email_id or "").strip()
	if not doc.email_id:
		return
	key = email_key(doc.email_id)
	if not key:
		refuse(
			_("{0}: {1} is not an email address. Write it like name@company.com."),
			_(doc.meta.get_label("email_id")),
			doc.email_id,
			exception=frappe.InvalidEmailAddressError,
		)
	doc.email_id = key


def clean_points(doc: Document) -> None:
	"""Normalize the email addresses of further contact points and remove duplicates.

	:raises frappe.ValidationError: names row and address
	"""
	seen: set[tuple[str, str]] = {("Email", doc.email_id or "")}
	kept = []
	for row in doc.contact_points:
		row.value = (row.value or "").strip()
		if row.point_type == "Email" and row.value:
			key = email_key(row.value)
			if not key:
				refuse(
					_("{0}, row {1}: {2} is not an email address. Write it like name@company.com."),
					_(doc.meta.get_label("contact_points")),
					row.idx,
					row.value,
					exception=frappe.InvalidEmailAddressError,
				)
			row.value = key
		if row.value and (row.point_type, row.value) not in seen:
			kept.append(row)
		seen.add((row.point_type, row.value))
	if len(kept) < len(doc.contact_points):
		doc.set("contact_points", kept)


def check_options(doc: Document) -> None:
	"""Check that an option belongs to the attribute of its field, and is still offered.

	:raises frappe.ValidationError: names the field and the attribute that the option belongs to
	"""
	asked = attributes.option_fields()
	chosen = {field: doc.get(field) for field in asked if doc.get(field) and doc.has_value_changed(field)}
	if not chosen:
		return
	rows = frappe.get_all(
		"Relation Profile Option",
		filters={"name": ["in", list(chosen.values())]},
		fields=["name", "attribute", "disabled"],
		order_by="name asc",
	)
	options = {row.name: row for row in rows}
	for field, name in chosen.items():
		option, label = options.get(name), _(doc.meta.get_label(field))
		if not option:
			continue  # Frappe reports a link to a missing record itself
		if option.attribute != asked[field]:
			refuse(
				_("{0}: {1} is an option of {2}. Choose an option of {3}."),
				label,
				name,
				_(option.attribute),
				_(asked[field]),
			)
		if option.disabled:
			refuse(_("{0}: {1} is not offered any more. Choose another option."), label, name)


def check_kind(doc: Document) -> None:
	"""Check that the fields match the kind: a person has no market orientation, an organization no age group.

	Values stay, hidden, when the documents turn a person into an organization.
	"""
	if doc.flags.adopted:
		return
	kind_changed = doc.has_value_changed("relation_kind")
	for field, kind in attributes.kinds().items():
		if doc.get(field) and kind != doc.relation_kind and (kind_changed or doc.has_value_changed(field)):
			refuse(
				_(
					"{0} belongs to a relation of kind {1}, and this one is of kind {2}. Empty the field or change the kind."
				),
				_(doc.meta.get_label(field)),
				_(kind),
				_(doc.relation_kind),
			)


def check_employees(doc: Document) -> None:
	"""Refuse a negative number of employees or revenue."""
	for field in ("employees", "annual_revenue"):
		if (doc.get(field) or 0) < 0:
			refuse(_("{0} cannot be less than 0."), _(doc.meta.get_label(field)))


# ── checks of a Relation Profile Option ────────────────────────────────────────────────────────


def check_attribute(doc: Document) -> None:
	"""Refuse options for an attribute with values that are not options.

	:raises frappe.ValidationError: names the attribute and the type of its values
	"""
	value_type = frappe.db.get_value("Relation Profile Attribute", doc.attribute, "value_type")
	if value_type and value_type != "Option":
		refuse(
			_("Attribute: the values of {0} are of the type {1} and need no options. Choose another one."),
			_(doc.attribute),
			_(value_type),
		)


def check_offered_once(doc: Document) -> None:
	"""Refuse two options of an attribute with the same label, which users could not distinguish."""
	doc.option_value = (doc.option_value or "").strip()
	same = {"attribute": doc.attribute, "option_value": doc.option_value, "name": ["!=", doc.name or ""]}
	if doc.option_value and frappe.db.exists("Relation Profile Option", same):
		refuse(
			_("Option: {0} has an option {1} already. Change that one."), _(doc.attribute), doc.option_value
		)
