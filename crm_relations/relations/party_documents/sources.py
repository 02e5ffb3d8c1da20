"""Declare the party documents of ERPNext's accounts and stock modules as sources of relations. Writes
nothing.

A source describes one doctype: which columns matter, what they say about the relation, which other documents
are the same relation (ties), and which documents prove a role (evidence). Other packages and apps add theirs
by the hook `relation_sources`; a further source of the same doctype extends the first.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Concat, Min
from frappe.utils import getdate

from crm_relations.relations import rules
from crm_relations.relations.party_documents import debtors
from crm_relations.relations.rules import ORGANISATION, PERSON, WORKS_FOR, Spell
from crm_relations.shared.contact_keys import email_key

Row = dict[str, Any]
Party = tuple[str, str]


@dataclass(frozen=True)
class Tie:
	"""A tie between two documents.

	`same`: both are one relation, always. `person`: both are one person, but documents like contacts are
	shared and confused, so this tie never brings a second document of a doctype into a relation. `works for`:
	the first is a person of the second.
	"""

	party: Party
	other: Party
	kind: Literal["same", "person", "works for"]
	since: Any = None


@dataclass(frozen=True)
class Evidence:
	"""Which documents prove a role."""

	role: str
	document_type: str
	#: doctypes of parties that the documents name
	party_types: tuple[str, ...]
	#: (party type, names) → rows party, since, until, document_type, document_name
	spells: Callable[[str, list[str]], list[tuple[str, Spell]]]
	#: doctype of an event → what it can do to the role: "opens", "closes" or "either"
	effects: dict[str, Callable[[Document], str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
	"""What one doctype says about relations."""

	doctype: str
	#: columns to read; a change of one of them is a change of the relation
	columns: tuple[str, ...] = ()
	#: child tables with rows that can tie the document to others
	tables: tuple[str, ...] = ()
	#: weight: the smallest says first what the relation is called
	order: int = 100
	#: weight: the source with the smallest weight decides the relation's name first
	values: Callable[[Row], Row] | None = None
	#: row → values by field of Relation; relation_kind and relation_name are always included
	address: str | None = None
	#: rows → ties to other documents
	ties: Callable[[list[Row]], Iterable[Tie]] | None = None
	#: a contact of a person's document is that person: any contact, or only the primary one
	contacts: Literal["any", "primary", ""] = ""
	#: column that names the primary contact
	primary_contact: str | None = None
	#: rows → documents with ties that may name these: they are read together
	neighbours: Callable[[list[Row]], Iterable[Party]] | None = None
	#: Frappe creates such documents from incoming emails: one may belong to a mail program, or to this site
	#: itself
	from_mail: bool = False
	evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class SourceSet:
	"""All sources of one doctype, taken together."""

	doctype: str
	main: Source
	parts: tuple[Source, ...]

	@property
	def columns(self) -> list[str]:
		"""Return columns that this version of the doctype has."""
		meta = frappe.get_meta(self.doctype)
		names = {"name", "creation", "modified"}
		for part in self.parts:
			names.update(column for column in part.columns if meta.has_field(column))
		return sorted(names)

	@property
	def tables(self) -> list[str]:
		return [table for part in self.parts for table in part.tables]

	def ties(self, rows: list[Row]) -> list[Tie]:
		return [tie for part in self.parts if part.ties for tie in part.ties(rows)]

	def neighbours(self, rows: list[Row]) -> set[Party]:
		"""Return documents that are tied to these by their own data, such as contacts of persons.

		What belongs together is read together, in whatever order the documents come.
		"""
		found = {party for part in self.parts if part.neighbours for party in part.neighbours(rows)}
		if self.main.contacts:
			persons = [row["name"] for row in rows if self.main.values(row)["relation_kind"] == PERSON]
			found |= _linked_contacts(self.doctype, persons, self.main.contacts == "primary")
		return found


def sources() -> dict[str, SourceSet]:
	"""Return doctype → its sources, from the hook `relation_sources`; read once per request."""
	if cached := getattr(frappe.local, "relation_sources", None):
		return cached
	by_doctype: dict[str, list[Source]] = {}
	for path in frappe.get_hooks("relation_sources"):
		for source in frappe.get_attr(path):
			by_doctype.setdefault(source.doctype, []).append(source)
	found = {
		doctype: SourceSet(doctype, next(p for p in parts if p.values), tuple(parts))
		for doctype, parts in by_doctype.items()
	}
	frappe.local.relation_sources = dict(sorted(found.items(), key=lambda item: item[1].main.order))
	return frappe.local.relation_sources


def evidence() -> list[Evidence]:
	"""Return all evidence of all sources."""
	return [e for found in sources().values() for part in found.parts for e in part.evidence]


# ── helpers for sources, including those of other packages ──


def always(effect: str) -> Callable[[Document], str]:
	"""Return a function for events with this effect, unless the document is being cancelled: then it can be
	any.
	"""
	return lambda doc: "either" if doc.docstatus == 2 else effect


def first_of(table: Any, date_column: str) -> Any:
	"""Return the aggregate `date|name` of the earliest document: the date and its evidence in one read."""
	return Min(Concat(table[date_column], "|", table.name))


def split_first(value: str) -> tuple[Any, str]:
	"""Return the date and the name from `first_of`."""
	date_part, name = value.split("|", 1)
	return getdate(date_part), name


def person_name(row: Row) -> str:
	parts = (row.get("first_name"), row.get("middle_name"), row.get("last_name"))
	return " ".join(part.strip() for part in parts if part and part.strip())


# ── Customer ───────────────────────────────────────────────────────────────────────────────────


def _kind_of(row: Row, column: str) -> str:
	return PERSON if row.get(column) == "Individual" else ORGANISATION


def customer_values(row: Row) -> Row:
	return {
		"relation_name": row.get("customer_name"),
		"relation_kind": _kind_of(row, "customer_type"),
		"responsible": row.get("account_manager"),
		"email_id": row.get("email_id"),
		"mobile_no": row.get("mobile_no"),
		"website": row.get("website"),
		"territory": row.get("territory"),
		"language": row.get("language"),
		"salutation": row.get("salutation"),
		"gender": row.get("gender"),
		"industry": row.get("industry"),
	}


def customer_ties(rows: list[Row]) -> Iterable[Tie]:
	yield from _primary_contacts(rows, "Customer", "customer_type", "customer_primary_contact")
	yield from party_link_ties("Customer", [row["name"] for row in rows])


def _primary_contacts(rows: list[Row], doctype: str, kind_column: str, contact_column: str) -> Iterable[Tie]:
	"""Tie an individual to its primary contact: they are one person."""
	for row in rows:
		if row.get(contact_column) and _kind_of(row, kind_column) == PERSON:
			yield Tie((doctype, row["name"]), ("Contact", row[contact_column]), "person", row["creation"])


def _sales_spells(doctype: str, date_column: str):
	def spells(party_type: str, parties: list[str]) -> list[tuple[str, Spell]]:
		table = frappe.qb.DocType(doctype)
		query = (
			frappe.qb.from_(table)
			.select(table.customer, first_of(table, date_column))
			.where(table.docstatus == 1)
			.where(table.customer.isin(parties))
			.groupby(table.customer)
		)
		if doctype == "Sales Invoice":
			query = query.where(table.is_return == 0)
		result = []
		for party, first in query.run():
			since, name = split_first(first)
			result.append((party, Spell(since, None, doctype, name)))
		return result

	return spells


# ── Supplier ───────────────────────────────────────────────────────────────────────────────────


def supplier_values(row: Row) -> Row:
	return {
		"relation_name": row.get("supplier_name"),
		"relation_kind": _kind_of(row, "supplier_type"),
		"email_id": row.get("email_id"),
		"mobile_no": row.get("mobile_no"),
		"website": row.get("website"),
		"language": row.get("language"),
		"country": row.get("country"),
	}


def supplier_ties(rows: list[Row]) -> Iterable[Tie]:
	yield from _primary_contacts(rows, "Supplier", "supplier_type", "supplier_primary_contact")
	yield from party_link_ties("Supplier", [row["name"] for row in rows])


def supplier_spells(party_type: str, parties: list[str]) -> list[tuple[str, Spell]]:
	"""Return the spell of a supplier document: as long as it exists."""
	table = frappe.qb.DocType("Supplier")
	rows = frappe.qb.from_(table).select(table.name, table.creation).where(table.name.isin(parties)).run()
	return [(name, Spell(getdate(creation), None, "Supplier", name)) for name, creation in rows]


def party_link_ties(party_type: str, names: list[str]) -> list[Tie]:
	"""Return ties from Party Links of customers or suppliers: both ends are one relation."""
	table = frappe.qb.DocType("Party Link")
	rows = (
		frappe.qb.from_(table)
		.select(
			table.primary_role,
			table.primary_party,
			table.secondary_role,
			table.secondary_party,
			table.creation,
		)
		.where(
			((table.primary_role == party_type) & table.primary_party.isin(names))
			| ((table.secondary_role == party_type) & table.secondary_party.isin(names))
		)
	).run()
	known = sources()
	return [
		Tie((role, party), (other_role, other), "same", creation)
		for role, party, other_role, other, creation in rows
		if party and other and role in known and other_role in known
	]


# ── Employee ───────────────────────────────────────────────────────────────────────────────────

EMPLOYEE_EMAILS = ("user_id", "company_email", "personal_email")


def employee_values(row: Row) -> Row:
	emails = (row.get("company_email"), row.get("user_id"), row.get("personal_email"))
	return {
		"relation_name": row.get("employee_name") or person_name(row),
		"relation_kind": PERSON,
		"email_id": next((e for e in emails if email_key(e)), None),
		"mobile_no": row.get("cell_number"),
		"salutation": row.get("salutation"),
		"first_name": row.get("first_name"),
		"last_name": row.get("last_name"),
		"gender": row.get("gender"),
		"date_of_birth": row.get("date_of_birth"),
		"designation": row.get("designation"),
	}


def employee_contacts(rows: list[Row]) -> Iterable[Party]:
	"""Return contacts with the user or an email of these employees; the contacts' own ties decide the
	relation.
	"""
	contact = frappe.qb.DocType("Contact")
	users = {row["user_id"] for row in rows if row.get("user_id")}
	emails = {key for row in rows for column in EMPLOYEE_EMAILS if (key := email_key(row.get(column)))}
	for column, values in ((contact.user, users), (contact.email_id, emails)):
		if values:
			for name in (
				frappe.qb.from_(contact).select(contact.name).where(column.isin(values)).run(pluck=True)
			):
				yield "Contact", name
	for name in _known_by_email("Contact", emails):
		yield "Contact", name


def _known_by_email(doctype: str, emails: Collection[str]) -> list[str]:
	"""Return documents of relations that have one of these emails.

	A document may write it with capitals, a display name or umlauts in the domain; the relation has its
	normalized form.
	"""
	if not emails:
		return []
	party, relation = frappe.qb.DocType("Relation Party"), frappe.qb.DocType("Relation")
	return (
		frappe.qb.from_(relation)
		.join(party)
		.on(party.parent == relation.name)
		.select(party.party)
		.where(relation.email_id.isin(list(emails)) & (party.party_type == doctype))
		.orderby(party.party)
	).run(pluck=True)


def employee_spells(party_type: str, parties: list[str]) -> list[tuple[str, Spell]]:
	"""Return the spell from the date of joining until the relieving date of an employee that left."""
	table = frappe.qb.DocType("Employee")
	rows = (
		frappe.qb.from_(table)
		.select(
			table.name,
			table.date_of_joining,
			table.creation,
			table.status,
			table.relieving_date,
			table.modified,
		)
		.where(table.name.isin(parties))
	).run()
	result = []
	for name, joined, creation, status, relieved, modified in rows:
		since = getdate(joined or creation)
		until = max(since, getdate(relieved or modified)) if status == "Left" else None
		result.append((name, Spell(since, until, "Employee", name, estimated=not relieved)))
	return result


# ── Contact ────────────────────────────────────────────────────────────────────────────────────


def contact_values(row: Row) -> Row:
	return {
		"relation_name": person_name(row) or row.get("full_name") or row.get("email_id"),
		"relation_kind": PERSON,
		"email_id": row.get("email_id"),
		"phone": row.get("phone"),
		"mobile_no": row.get("mobile_no"),
		"salutation": row.get("salutation"),
		"first_name": row.get("first_name"),
		"last_name": row.get("last_name"),
		"gender": row.get("gender"),
		"designation": row.get("designation"),
	}


def contact_ties(rows: list[Row]) -> Iterable[Tie]:
	"""Return the parties that a contact is linked to, and the employee with its user or email."""
	ties = list(_contact_links({row["name"]: row for row in rows}))
	yield from ties
	of_organisations = {tie.party[1] for tie in ties if tie.kind == WORKS_FOR}
	yield from _contact_employees(
		[row for row in rows if person_name(row) or row["name"] not in of_organisations]
	)


def _contact_links(contacts: dict[str, Row]) -> Iterable[Tie]:
	"""Return the ties of a contact to organizations.

	A contact of an organization works for it. One without the name of a person is the organization itself:
	ERPNext creates such a contact from the email and telephone of a company's customer or supplier. That
	applies only to the first contact of an organization, and only for the first organization it is linked to.
	"""
	link = frappe.qb.DocType("Dynamic Link")
	known = sources()
	links = (
		frappe.qb.from_(link)
		.select(link.parent, link.link_doctype, link.link_name, link.creation)
		.where(link.parenttype == "Contact")
		.where(link.parent.isin(list(contacts)))
		.where(link.link_doctype.isin([d for d in known if d != "Contact"]))
		.orderby(link.creation)
		.orderby(link.name)
	).run()
	linked = _linked_parties({(doctype, name) for _, doctype, name, _ in links})
	nameless = {name for name, row in contacts.items() if not person_name(row)}
	for parent, doctype, name, creation in links:
		if not (found := linked.get((doctype, name))):
			continue
		party, kind, primary_contact = found
		if kind == ORGANISATION and not person_name(contacts[parent]):
			if parent in nameless:
				nameless.discard(parent)
				yield Tie(("Contact", parent), party, "person", creation)
				yield Tie(("Contact", parent), party, WORKS_FOR, creation)
			continue
		policy = known[doctype].main.contacts
		is_primary = contacts[parent].get("is_primary_contact") or primary_contact == parent
		if kind == ORGANISATION:
			yield Tie(("Contact", parent), party, WORKS_FOR, creation)
		elif policy == "any" or (policy == "primary" and is_primary):
			yield Tie(("Contact", parent), party, "person", creation)


def _linked_parties(parties: set[Party]) -> dict[Party, tuple[Party, str, str | None]]:
	"""Return party → itself as its document spells it, Person or Organisation, and its primary contact.

	One read per doctype; a party that does not exist is left out.
	"""
	known = sources()
	by_type: dict[str, list[str]] = {}
	for doctype, name in parties:
		by_type.setdefault(doctype, []).append(name)
	result = {}
	for doctype, names in by_type.items():
		table, main = frappe.qb.DocType(doctype), known[doctype].main
		query = frappe.qb.from_(table).select(*[table[c] for c in known[doctype].columns])
		spelled: dict[str, list[str]] = {}
		for name in names:
			spelled.setdefault(name.casefold(), []).append(name)
		for row in query.where(table.name.isin(names)).run(as_dict=True):
			primary = row.get(main.primary_contact) if main.primary_contact else None
			found = ((doctype, row["name"]), main.values(row)["relation_kind"], primary)
			for name in spelled.get(row["name"].casefold(), ()):
				result[(doctype, name)] = found
	return result


def _linked_contacts(doctype: str, names: list[str], only_primary: bool) -> set[Party]:
	"""Return contacts that are linked to these documents."""
	if not names:
		return set()
	link, contact = frappe.qb.DocType("Dynamic Link"), frappe.qb.DocType("Contact")
	query = (
		frappe.qb.from_(link)
		.select(link.parent)
		.where(link.parenttype == "Contact")
		.where(link.link_doctype == doctype)
		.where(link.link_name.isin(names))
	)
	if only_primary:
		query = query.join(contact).on(contact.name == link.parent).where(contact.is_primary_contact == 1)
	return {("Contact", name) for name in query.run(pluck=True)}


def _contact_employees(rows: list[Row]) -> Iterable[Tie]:
	users = {row["user"] for row in rows if row.get("user")}
	emails = {key for row in rows if (key := email_key(row.get("email_id")))}
	if not users and not emails:
		return
	employee = frappe.qb.DocType("Employee")
	found = (
		frappe.qb.from_(employee)
		.select(employee.name, *[employee[c] for c in EMPLOYEE_EMAILS])
		.where(
			employee.user_id.isin(list(users | emails))
			| employee.company_email.isin(list(emails) or [""])
			| employee.personal_email.isin(list(emails) or [""])
			| employee.name.isin(_known_by_email("Employee", emails) or [""])
		)
		.orderby(employee.creation)
		.orderby(employee.name)
	).run(as_dict=True)
	by_user: dict[str, str] = {}
	by_email: dict[str, str] = {}
	for row in found:
		if row["user_id"]:
			by_user.setdefault(row["user_id"], row["name"])
		for column in EMPLOYEE_EMAILS:
			if key := email_key(row[column]):
				by_email.setdefault(key, row["name"])
	for row in rows:
		if name := by_user.get(row.get("user")) or by_email.get(email_key(row.get("email_id"))):
			yield Tie(("Contact", row["name"]), ("Employee", name), "person", row["creation"])


def _customer_evidence() -> tuple[Evidence, ...]:
	return (
		Evidence(
			rules.CUSTOMER,
			"Sales Order",
			("Customer",),
			_sales_spells("Sales Order", "transaction_date"),
			{"Sales Order": always("opens")},
		),
		Evidence(
			rules.CUSTOMER,
			"Sales Invoice",
			("Customer",),
			_sales_spells("Sales Invoice", "posting_date"),
			{"Sales Invoice": always("opens")},
		),
		Evidence(
			rules.DEBTOR,
			"Payment Ledger Entry",
			("Customer",),
			debtors.spells,
			{
				"Sales Invoice": debtors.invoice_effect,
				"Payment Entry": debtors.payment_effect,
				"Journal Entry": debtors.journal_effect,
			},
		),
	)


SOURCES: list[Source] = [
	Source(
		"Customer",
		columns=(
			"customer_name",
			"customer_type",
			"account_manager",
			"email_id",
			"mobile_no",
			"website",
			"territory",
			"language",
			"salutation",
			"gender",
			"industry",
			"customer_primary_contact",
			"customer_primary_address",
		),
		order=10,
		values=customer_values,
		address="customer_primary_address",
		ties=customer_ties,
		contacts="primary",
		primary_contact="customer_primary_contact",
		evidence=_customer_evidence(),
	),
	Source(
		"Supplier",
		columns=(
			"supplier_name",
			"supplier_type",
			"email_id",
			"mobile_no",
			"website",
			"language",
			"country",
			"supplier_primary_contact",
			"supplier_primary_address",
		),
		order=20,
		values=supplier_values,
		address="supplier_primary_address",
		ties=supplier_ties,
		contacts="primary",
		primary_contact="supplier_primary_contact",
		evidence=(
			Evidence(
				rules.SUPPLIER, "Supplier", ("Supplier",), supplier_spells, {"Supplier": always("either")}
			),
		),
	),
	Source(
		"Employee",
		columns=(
			"employee_name",
			"first_name",
			"middle_name",
			"last_name",
			*EMPLOYEE_EMAILS,
			"cell_number",
			"salutation",
			"gender",
			"date_of_birth",
			"designation",
			"status",
			"date_of_joining",
			"relieving_date",
		),
		order=30,
		values=employee_values,
		neighbours=employee_contacts,
		contacts="any",
		evidence=(
			Evidence(
				rules.EMPLOYEE, "Employee", ("Employee",), employee_spells, {"Employee": always("either")}
			),
		),
	),
	Source(
		"Contact",
		columns=(
			"first_name",
			"middle_name",
			"last_name",
			"full_name",
			"email_id",
			"phone",
			"mobile_no",
			"salutation",
			"gender",
			"designation",
			"user",
			"is_primary_contact",
			"address",
		),
		tables=("links",),
		order=90,
		values=contact_values,
		address="address",
		ties=contact_ties,
		from_mail=True,
	),
]
