"""Offer the relation's own data as fields: profile, place, roles and stage, segments, relationships. Writes
nothing.
"""

from typing import Any

import frappe
from frappe import _, _lt
from frappe.utils import formatdate
from pypika.queries import Table
from pypika.terms import ValueWrapper as Value

from crm_relations.segments.fields.events import Event
from crm_relations.segments.fields.sources import (
	Cell,
	Column,
	DaysSince,
	Explanation,
	Field,
	OneOfRows,
	Presence,
	Reader,
	Rows,
	Scope,
	SetOf,
	rows_of_party,
)

PROFILE = _lt("Profile")
CONTACT = _lt("Place and Contact")
STANDING = _lt("Role and Stage")
BELONGING = _lt("Relationships and Segments")
SEGMENT, MEMBER = "Relation Segment", "Relation Segment Member"
ROLE, LINK = "Relation Role", "Relation Link"
FORWARD, REVERSE = "From the Relation", "To the Relation"


def _profile(key: str, label: Any, attribute: str) -> Field:
	"""Return a profile attribute as a field: one of the options that the administrator maintains."""
	return Field(
		key,
		label,
		PROFILE,
		"option",
		Column(key),
		doctype="Relation Profile Option",
		filters=(("attribute", attribute),),
	)


def _text(key: str, label: Any, group: Any = PROFILE) -> Field:
	return Field(key, label, group, "text", Column(key))


# ── roles held, segments ───────────────────────────────────────────────────────────────────────


def _roles_held(scope: Scope) -> Rows:
	role = frappe.qb.DocType(ROLE)
	held = (role.parenttype == "Relation") & role.until.isnull() & role.parent.isnotnull()
	return Rows(frappe.qb.from_(role).where(held), role.parent, role.name)


def _tell_roles(reader: Reader, about: Field, source: SetOf) -> Explanation:
	"""Return the roles with their evidence."""
	role = frappe.qb.DocType(ROLE)
	rows = (
		_roles_held(reader.scope)
		.query.where(role.parent == reader.relation)
		.select(role.role, role.since, role.document_type, role.document_name)
		.orderby(role.idx)
		.run(as_dict=True)
	)
	documents = [
		{
			"doctype": row.document_type,
			"name": row.document_name,
			"text": _("{0} since {1}").format(_(row.role), formatdate(row.since)),
		}
		for row in rows
		if row.document_name and frappe.has_permission(row.document_type, "read", doc=row.document_name)
	]
	return Explanation(", ".join(_(row.role) for row in rows) or _("none"), documents)


def members(scope: Scope) -> Rows:
	"""Return the current members of all segments."""
	member = frappe.qb.DocType(MEMBER)
	now = member.left_on.isnull() & member.relation.isnotnull()
	return Rows(frappe.qb.from_(member).where(now), member.relation, member.name)


def _member_of() -> Any:
	return frappe.qb.DocType(MEMBER).segment


def _role_rows(scope: Scope) -> Rows:
	"""Return roles, including those that have ended."""
	role = frappe.qb.DocType(ROLE)
	query = frappe.qb.from_(role).where((role.parenttype == "Relation") & role.parent.isnotnull())
	return Rows(query, role.parent, role.name, shows=(role.document_type, role.document_name))


# ── relationships ──────────────────────────────────────────────────────────────────────────────


def _links(scope: Scope) -> tuple[Rows, Rows]:
	"""Return each link from both ends, under the name `tie`: `other` is the party at the other end."""
	link = frappe.qb.DocType(LINK)

	def end(mine: Any, other: Any, direction: str) -> Rows:
		tie = (
			frappe.qb.from_(link)
			.where(mine.isnotnull() & other.isnotnull())
			.select(
				link.name,
				mine.as_("mine"),
				other.as_("other"),
				link.link_type,
				link.since,
				link.until,
				Value(direction).as_("direction"),
			)
		).as_("tie")
		return Rows(frappe.qb.from_(tie), tie.mine, tie.name)

	return end(link.relation, link.related_relation, FORWARD), end(
		link.related_relation, link.relation, REVERSE
	)


def _tie(name: str) -> Cell:
	return Cell(LINK, name, alias="tie")


def _other() -> Any:
	return Table("tie").other


FIELDS = (
	Field(
		"kind",
		_lt("Kind"),
		PROFILE,
		"option",
		Column("relation_kind"),
		choices=("Person", "Organisation"),
		can_be_empty=False,
	),
	_text("relation_name", _lt("Name")),
	_profile("age_group", _lt("Age Group"), "Age Group"),
	Field("gender", _lt("Gender"), PROFILE, "option", Column("gender"), doctype="Gender"),
	Field("date_of_birth", _lt("Date of Birth"), PROFILE, "date", Column("date_of_birth")),
	_text("designation", _lt("Job Title")),
	_profile("income_group", _lt("Income Group"), "Income Group"),
	_profile("education", _lt("Education"), "Education"),
	_profile("risk_attitude", _lt("Risk Attitude"), "Risk Attitude"),
	_profile("buying_behaviour", _lt("Buying Behaviour"), "Buying Behaviour"),
	Field("industry", _lt("Industry"), PROFILE, "option", Column("industry"), doctype="Industry Type"),
	Field(
		"employees", _lt("Number of Employees"), PROFILE, "integer", Column("employees", zero_is_empty=True)
	),
	_profile("market_orientation", _lt("Market Orientation"), "Market Orientation"),
	Field(
		"annual_revenue",
		_lt("Annual Revenue"),
		PROFILE,
		"amount",
		Column("annual_revenue", zero_is_empty=True),
	),
	Field(
		"completeness",
		_lt("Completeness in Percent"),
		PROFILE,
		"amount",
		Column("completeness"),
		can_be_empty=False,
	),
	Field("creation", _lt("Known Since"), PROFILE, "date", Column("creation", is_datetime=True)),
	Field(
		"role",
		_lt("Role (held now)"),
		STANDING,
		"set",
		SetOf(_roles_held, lambda: frappe.qb.DocType(ROLE).role, tell=_tell_roles),
		doctype="Relation Role Type",
	),
	Field(
		"stage", _lt("Stage"), STANDING, "option", Column("stage"), "Relation Role Type", (("is_stage", 1),)
	),
	Field("stage_since", _lt("Stage Since"), STANDING, "date", Column("stage_since")),
	Field("days_in_stage", _lt("Days in Stage"), STANDING, "integer", DaysSince("stage_since")),
	Field("responsible", _lt("Responsible User"), STANDING, "option", Column("responsible"), doctype="User"),
	Field("disabled", _lt("Disabled"), STANDING, "check", Column("disabled"), can_be_empty=False),
	Field("territory", _lt("Territory"), CONTACT, "tree", Column("territory"), doctype="Territory"),
	Field("country", _lt("Country"), CONTACT, "option", Column("country"), doctype="Country"),
	_text("city", _lt("City"), CONTACT),
	Field("postcode", _lt("Postcode"), CONTACT, "text", Column("pincode")),
	Field("language", _lt("Language"), CONTACT, "option", Column("language"), doctype="Language"),
	Field(
		"has_email",
		_lt("Has an Email Address"),
		CONTACT,
		"check",
		Presence(("email_id",)),
		can_be_empty=False,
	),
	Field(
		"has_phone",
		_lt("Has a Phone Number"),
		CONTACT,
		"check",
		Presence(("phone", "mobile_no")),
		can_be_empty=False,
	),
	Field(
		"customer_group",
		_lt("Customer Group"),
		CONTACT,
		"tree",
		OneOfRows(rows_of_party("Customer"), Cell("Customer", "customer_group")),
		doctype="Customer Group",
		needs="Customer",
	),
	Field(
		"segment",
		_lt("Segment"),
		BELONGING,
		"set",
		SetOf(members, _member_of),
		doctype=SEGMENT,
		needs=SEGMENT,
	),
)

EVENTS = (
	Event(
		"roles",
		_lt("Role (with its dates)"),
		STANDING,
		_lt("has had a role {0}"),
		_lt("has never had a role"),
		_role_rows,
		(
			Field(
				"role",
				_lt("Role"),
				STANDING,
				"option",
				Cell(ROLE, "role"),
				"Relation Role Type",
				can_be_empty=False,
			),
			Field("since", _lt("Since"), STANDING, "date", Cell(ROLE, "since")),
			Field("until", _lt("Until"), STANDING, "date", Cell(ROLE, "until")),
		),
		document=ROLE,
	),
	Event(
		"relationship",
		_lt("Relationship"),
		BELONGING,
		_lt("is related to another relation {0}"),
		_lt("is related to no other relation"),
		_links,
		(
			Field(
				"type",
				_lt("Type"),
				BELONGING,
				"option",
				_tie("link_type"),
				"Relation Link Type",
				can_be_empty=False,
			),
			Field(
				"direction",
				_lt("Direction"),
				BELONGING,
				"option",
				_tie("direction"),
				choices=(FORWARD, REVERSE),
				can_be_empty=False,
			),
			Field(
				"other",
				_lt("With"),
				BELONGING,
				"option",
				_tie("other"),
				doctype="Relation",
				can_be_empty=False,
			),
			Field(
				"segment",
				_lt("Segment of the Other"),
				BELONGING,
				"set",
				SetOf(members, _member_of, owner=_other),
				doctype=SEGMENT,
			),
			Field("since", _lt("Since"), BELONGING, "date", _tie("since")),
			Field("until", _lt("Until"), BELONGING, "date", _tie("until")),
		),
		document=LINK,
		needs=LINK,
	),
)
