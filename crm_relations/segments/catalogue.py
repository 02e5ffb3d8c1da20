"""The fields a segment may ask about: one declaration a field. The only place that names columns and sub-queries.

A rule names fields by `key`; the compiler takes table and column from here and never from a rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from frappe import _lt
from frappe.query_builder.functions import Count, Max, Sum
from frappe.utils import add_months
from pypika.terms import Criterion, Term

from crm_relations.relations.attributes import OPTIONS, Attribute, attributes


@dataclass(frozen=True)
class Column:
	"""A column of Relation. `zero_is_empty`: the column cannot be NULL, 0 stands for "not known"."""

	name: str
	zero_is_empty: bool = False


@dataclass(frozen=True)
class Presence:
	"""True where one of these columns of Relation holds a text."""

	columns: tuple[str, ...]


@dataclass(frozen=True)
class RolesHeld:
	"""The roles that the relation holds now: rows of Relation Role without an end."""


@dataclass(frozen=True)
class Sales:
	"""A figure over the submitted Sales Invoices of the relation's Customers; cancelled ones are out.

	`figure` makes the aggregate from the invoice's table; `months` limits to the last n months up to
	today; `credit_notes` says whether returns count (with their negative sign). `absent` is the figure of a
	relation without such an invoice.
	"""

	figure: Callable[[Any], Term]
	months: int | None = None
	credit_notes: bool = True
	absent: int | None = None

	def where(self, invoice: Any, today: Any) -> Criterion:
		"""Which invoices count on the day `today`."""
		criterion = invoice.docstatus == 1
		if not self.credit_notes:
			criterion &= invoice.is_return == 0
		if self.months:
			start = str(add_months(today, -self.months))
			criterion &= (invoice.posting_date > start) & (invoice.posting_date <= str(today))
		return criterion


@dataclass(frozen=True)
class Field:
	"""A field of the catalogue.

	:param type: one of `rules.OPERATORS`.
	:param doctype: where the values come from (Link); `filters` narrows them for the builder.
	:param choices: the fixed values of a Select.
	:param can_be_empty: offers `is empty`.
	"""

	key: str
	label: Any
	group: Any
	type: str
	source: Column | Presence | RolesHeld | Sales
	doctype: str | None = None
	filters: tuple[tuple[str, str], ...] = ()
	choices: tuple[str, ...] = ()
	can_be_empty: bool = True


_PROFILE = _lt("Profile")
_CONTACT = _lt("Place and Contact")
_STANDING = _lt("Role and Stage")
_SALES = _lt("Sales")


def _profile(key: str, label: Any, attribute: str) -> Field:
	"""A profile attribute: one of the options that the admin keeps for it."""
	return Field(
		key,
		label,
		_PROFILE,
		"option",
		Column(key),
		doctype="Relation Profile Option",
		filters=(("attribute", attribute),),
	)


_FIELDS = (
	Field(
		"kind",
		_lt("Kind"),
		_PROFILE,
		"option",
		Column("relation_kind"),
		choices=("Person", "Organisation"),
		can_be_empty=False,
	),
	_profile("age_group", _lt("Age Group"), "Age Group"),
	_profile("income_group", _lt("Income Group"), "Income Group"),
	_profile("education", _lt("Education"), "Education"),
	_profile("risk_attitude", _lt("Risk Attitude"), "Risk Attitude"),
	_profile("buying_behaviour", _lt("Buying Behaviour"), "Buying Behaviour"),
	Field("industry", _lt("Industry"), _PROFILE, "option", Column("industry"), doctype="Industry Type"),
	Field(
		"employees", _lt("Number of Employees"), _PROFILE, "integer", Column("employees", zero_is_empty=True)
	),
	_profile("market_orientation", _lt("Market Orientation"), "Market Orientation"),
	Field(
		"annual_revenue",
		_lt("Annual Revenue"),
		_PROFILE,
		"amount",
		Column("annual_revenue", zero_is_empty=True),
	),
	Field("role", _lt("Role (held now)"), _STANDING, "set", RolesHeld(), doctype="Relation Role Type"),
	Field(
		"stage", _lt("Stage"), _STANDING, "option", Column("stage"), "Relation Role Type", (("is_stage", 1),)
	),
	Field("stage_since", _lt("Stage Since"), _STANDING, "date", Column("stage_since")),
	Field("responsible", _lt("Responsible User"), _STANDING, "option", Column("responsible"), doctype="User"),
	Field("disabled", _lt("Disabled"), _STANDING, "check", Column("disabled"), can_be_empty=False),
	Field("territory", _lt("Territory"), _CONTACT, "tree", Column("territory"), doctype="Territory"),
	Field("country", _lt("Country"), _CONTACT, "option", Column("country"), doctype="Country"),
	Field("city", _lt("City"), _CONTACT, "text", Column("city")),
	Field("language", _lt("Language"), _CONTACT, "option", Column("language"), doctype="Language"),
	Field(
		"has_email",
		_lt("Has an E-mail Address"),
		_CONTACT,
		"check",
		Presence(("email_id",)),
		can_be_empty=False,
	),
	Field(
		"has_phone",
		_lt("Has a Phone Number"),
		_CONTACT,
		"check",
		Presence(("phone", "mobile_no")),
		can_be_empty=False,
	),
	Field(
		"last_invoice_date",
		_lt("Last Invoice Date"),
		_SALES,
		"date",
		Sales(lambda invoice: Max(invoice.posting_date), credit_notes=False),
	),
	# in the currency of the invoicing company: several companies with several currencies add up unconverted
	Field(
		"revenue_12_months",
		_lt("Revenue of the Last 12 Months"),
		_SALES,
		"amount",
		Sales(lambda invoice: Sum(invoice.base_net_total), months=12, absent=0),
		can_be_empty=False,
	),
	Field(
		"invoices_12_months",
		_lt("Invoices in the Last 12 Months"),
		_SALES,
		"integer",
		Sales(lambda invoice: Count(invoice.name), months=12, credit_notes=False, absent=0),
		can_be_empty=False,
	),
)

#: type of an attribute's values → type of the field
OWN_TYPES = {"Option": "option", "Text": "text", "Number": "amount", "Date": "date", "Yes/No": "check"}

#: our own fields by key; those of an admin depend on the site
#: our own fields by key; those that an admin defined depend on the site
STANDARD = {field.key: field for field in _FIELDS}


def fields() -> dict[str, Field]:
	"""All fields by key, in the order to show them: ours, then the profile attributes that an admin defined."""
	own = [a for a in attributes() if not a.is_standard and not a.disabled]
	return {**STANDARD, **{a.fieldname: _own_attribute(a) for a in own}} if own else STANDARD


def _own_attribute(attribute: Attribute) -> Field:
	"""The attribute's field of Relation, a Custom Field that carries our prefix."""
	is_option = attribute.value_type == "Option"
	return Field(
		attribute.fieldname,
		_lt(attribute.label),
		_PROFILE,
		OWN_TYPES[attribute.value_type],
		Column(attribute.fieldname, zero_is_empty=attribute.value_type == "Number"),
		doctype=OPTIONS if is_option else None,
		filters=(("attribute", attribute.name),) if is_option else (),
		can_be_empty=attribute.value_type != "Yes/No",
	)
