"""Declare Lead and Prospect as sources of relations, and the roles that CRM documents prove. Writes nothing.

A lead with a company name is that company: ERPNext creates a customer of type Company from it, and its contacts are
persons that work there. A lead without a company name is a person, and so is its contact.
"""

from collections.abc import Iterable
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Min
from frappe.utils import getdate, nowdate

from crm_relations.relations import rules
from crm_relations.relations.party_documents.sources import Evidence, Row, Source, Tie, always, person_name
from crm_relations.relations.rules import ORGANISATION, PERSON, WORKS_FOR, Spell
from crm_relations.shared.in_lists import one_of

CLOSED_LEAD = ("Converted", "Do Not Contact")
OPEN_OPPORTUNITY = ("Open", "Quotation", "Replied")
OPEN_QUOTATION = ("Open", "Replied", "Partially Ordered")
#: quotations with these statuses expire: ERPNext does not expire one that is partly ordered
UNANSWERED_QUOTATION = ("Open", "Replied")
PARTY_TYPES = ("Customer", "Lead", "Prospect")


# ── profile values of the documents ────────────────────────────────────────────────────────────


def lead_values(row: Row) -> Row:
	kind = ORGANISATION if row.get("company_name") else PERSON
	values = {
		"relation_name": row.get("company_name") or person_name(row) or row.get("lead_name"),
		"relation_kind": kind,
		"responsible": row.get("lead_owner"),
		"email_id": row.get("email_id"),
		"phone": row.get("phone"),
		"mobile_no": row.get("mobile_no"),
		"website": row.get("website"),
		"city": row.get("city"),
		"country": row.get("country"),
		"territory": row.get("territory"),
		"language": row.get("language"),
		"salutation": row.get("salutation"),
		"first_name": row.get("first_name"),
		"last_name": row.get("last_name"),
		"gender": row.get("gender"),
		"designation": row.get("job_title"),
	}
	if kind == ORGANISATION:
		values.update(_size(row))
	return values


def prospect_values(row: Row) -> Row:
	return {
		"relation_name": row.get("company_name"),
		"relation_kind": ORGANISATION,
		"responsible": row.get("prospect_owner"),
		"website": row.get("website"),
		"territory": row.get("territory"),
		**_size(row),
	}


def _size(row: Row) -> Row:
	"""Return industry, employees and revenue; the revenue is in the currency of the document's company."""
	revenue = row.get("annual_revenue") or None
	currency = None
	if revenue and row.get("company"):
		currency = frappe.get_cached_value("Company", row["company"], "default_currency")
	return {
		"industry": row.get("industry"),
		"employees": rules.lower_bound(row.get("no_of_employees")) or None,
		"annual_revenue": revenue,
		"revenue_currency": currency,
	}


# ── which documents are one relation ───────────────────────────────────────────────────────────


def prospect_ties(rows: list[Row]) -> Iterable[Tie]:
	"""Yield the leads of a prospect: the company's own lead is the prospect, a person's lead works for it."""
	child, lead = frappe.qb.DocType("Prospect Lead"), frappe.qb.DocType("Lead")
	found = (
		frappe.qb.from_(child)
		.join(lead)
		.on(lead.name == child.lead)
		.select(child.parent, child.lead, lead.company_name, child.creation)
		.where(child.parenttype == "Prospect")
		.where(one_of(child.parent, [row["name"] for row in rows]))
		.orderby(child.creation)
		.orderby(child.name)
	).run()
	for prospect, name, company_name, creation in found:
		kind = "same" if company_name else WORKS_FOR
		yield Tie(("Lead", name), ("Prospect", prospect), kind, creation)


def customer_ties(rows: list[Row]) -> Iterable[Tie]:
	"""Yield the lead, the prospect and the opportunity from which a customer was created."""
	opportunities: dict[str, list[Row]] = {}
	for row in rows:
		party = ("Customer", row["name"])
		if row.get("lead_name"):
			yield Tie(party, ("Lead", row["lead_name"]), "same", row["creation"])
		if row.get("prospect_name"):
			yield Tie(party, ("Prospect", row["prospect_name"]), "same", row["creation"])
		if row.get("opportunity_name"):
			opportunities.setdefault(row["opportunity_name"], []).append(row)
	if not opportunities:
		return
	table = frappe.qb.DocType("Opportunity")
	found = (
		frappe.qb.from_(table)
		.select(table.name, table.opportunity_from, table.party_name)
		.where(one_of(table.name, opportunities))
		.where(table.opportunity_from.isin(["Lead", "Prospect"]))
	).run()
	for name, party_type, party in found:
		for row in opportunities[name]:
			if party:
				yield Tie(("Customer", row["name"]), (party_type, party), "same", row["creation"])


# ── evidence of the roles ──────────────────────────────────────────────────────────────────────


def _became_customer(party_type: str, names: list[str]) -> dict[str, Any]:
	"""Return party → since when its relation has a customer document."""
	own, customer = frappe.qb.DocType("Relation Party"), frappe.qb.DocType("Relation Party").as_("customer")
	rows = (
		frappe.qb.from_(own)
		.join(customer)
		.on((customer.parent == own.parent) & (customer.party_type == "Customer"))
		.select(own.party, Min(customer.since))
		.where(own.party_type == party_type)
		.where(one_of(own.party, names))
		.groupby(own.party)
	).run()
	return dict(rows)


def _leads(names: list[str]) -> list[Row]:
	table = frappe.qb.DocType("Lead")
	return (
		frappe.qb.from_(table)
		.select(
			table.name,
			table.creation,
			table.modified,
			table.status,
			table.disabled,
			table.qualification_status,
			table.qualified_on,
		)
		.where(one_of(table.name, names))
	).run(as_dict=True)


def _end_of_lead(row: Row, customers: dict[str, Any]) -> tuple[Any, bool]:
	"""Return when a lead ended, and whether that date is only an estimate; None while it is open."""
	if row["status"] not in CLOSED_LEAD and not row["disabled"]:
		return None, False
	if row["status"] == "Converted" and customers.get(row["name"]):
		return getdate(customers[row["name"]]), False
	return getdate(row["modified"]), True


def lead_spells(party_type: str, names: list[str]) -> list[tuple[str, Spell]]:
	"""Return the time of each lead that is neither converted, declined nor disabled, from its creation on."""
	customers = _became_customer("Lead", names)
	result = []
	for row in _leads(names):
		since = getdate(row["creation"])
		until, estimated = _end_of_lead(row, customers)
		until = max(since, until) if until else None
		result.append((row["name"], Spell(since, until, "Lead", row["name"], estimated)))
	return result


def qualified_spells(party_type: str, names: list[str]) -> list[tuple[str, Spell]]:
	"""Return the time of each lead that ERPNext marks as qualified, from that day on."""
	customers = _became_customer("Lead", names)
	result = []
	for row in _leads(names):
		if row["qualification_status"] != "Qualified":
			continue
		since = getdate(row["qualified_on"] or row["creation"])
		until, estimated = _end_of_lead(row, customers)
		until = max(since, until) if until else None
		result.append((row["name"], Spell(since, until, "Lead", row["name"], estimated)))
	return result


def prospect_spells(party_type: str, names: list[str]) -> list[tuple[str, Spell]]:
	"""Return the time of each prospect until a customer document exists.

	ERPNext creates prospects from qualified leads.
	"""
	table = frappe.qb.DocType("Prospect")
	customers = _became_customer("Prospect", names)
	rows = frappe.qb.from_(table).select(table.name, table.creation).where(one_of(table.name, names)).run()
	result = []
	for name, creation in rows:
		since = getdate(creation)
		until = max(since, getdate(customers[name])) if customers.get(name) else None
		result.append((name, Spell(since, until, "Prospect", name)))
	return result


def opportunity_spells(party_type: str, names: list[str]) -> list[tuple[str, Spell]]:
	table = frappe.qb.DocType("Opportunity")
	rows = (
		frappe.qb.from_(table)
		.select(
			table.name, table.party_name, table.transaction_date, table.creation, table.status, table.modified
		)
		.where(table.opportunity_from == party_type)
		.where(one_of(table.party_name, names))
	).run()
	result = []
	for name, party, day, creation, status, modified in rows:
		since = getdate(day or creation)
		until = None if status in OPEN_OPPORTUNITY else max(since, getdate(modified))
		result.append((party, Spell(since, until, "Opportunity", name, estimated=True)))
	return result


def quotation_spells(party_type: str, names: list[str]) -> list[tuple[str, Spell]]:
	"""Return the time of each submitted quotation until it is ordered, lost or expired.

	ERPNext marks expired quotations in a nightly job and without an event; the last valid day is known
	before.
	"""
	table = frappe.qb.DocType("Quotation")
	rows = (
		frappe.qb.from_(table)
		.select(
			table.name,
			table.party_name,
			table.transaction_date,
			table.status,
			table.valid_till,
			table.modified,
		)
		.where(table.docstatus == 1)
		.where(table.quotation_to == party_type)
		.where(one_of(table.party_name, names))
	).run()
	today = getdate(nowdate())
	result = []
	for name, party, day, status, valid_till, modified in rows:
		since = getdate(day)
		has_expired = status == "Expired" or (
			status in UNANSWERED_QUOTATION and valid_till and getdate(valid_till) < today
		)
		if has_expired and valid_till:
			spell = Spell(since, max(since, getdate(valid_till)), "Quotation", name)
		elif status in OPEN_QUOTATION:
			spell = Spell(since, None, "Quotation", name)
		else:
			spell = Spell(since, max(since, getdate(modified)), "Quotation", name, estimated=True)
		result.append((party, spell))
	return result


def _opportunity_effect(doc: Document) -> str:
	return "opens" if doc.status in OPEN_OPPORTUNITY else "either"


def _quotation_effect(doc: Document) -> str:
	return "opens" if doc.docstatus == 1 and doc.status in OPEN_QUOTATION else "either"


def _evidence() -> tuple[Evidence, ...]:
	either = always("either")
	return (
		Evidence(rules.LEAD, "Lead", ("Lead",), lead_spells, {"Lead": either}),
		Evidence(rules.PROSPECT, "Lead", ("Lead",), qualified_spells, {"Lead": either}),
		Evidence(rules.PROSPECT, "Prospect", ("Prospect",), prospect_spells, {"Prospect": either}),
		Evidence(
			rules.PROSPECT,
			"Opportunity",
			PARTY_TYPES,
			opportunity_spells,
			{"Opportunity": _opportunity_effect},
		),
		Evidence(
			rules.PROSPECT,
			"Quotation",
			PARTY_TYPES,
			quotation_spells,
			{
				"Quotation": _quotation_effect,
				"Sales Order": always("closes"),
				"Sales Invoice": always("closes"),
			},
		),
	)


SOURCES: list[Source] = [
	Source(
		"Lead",
		columns=(
			"lead_name",
			"company_name",
			"first_name",
			"middle_name",
			"last_name",
			"salutation",
			"gender",
			"job_title",
			"lead_owner",
			"email_id",
			"phone",
			"mobile_no",
			"website",
			"city",
			"country",
			"territory",
			"language",
			"industry",
			"no_of_employees",
			"annual_revenue",
			"company",
			"status",
			"disabled",
			"qualification_status",
			"qualified_on",
		),
		order=50,
		values=lead_values,
		from_mail=True,
		contacts="any",
		evidence=_evidence(),
	),
	Source(
		"Prospect",
		columns=(
			"company_name",
			"industry",
			"no_of_employees",
			"annual_revenue",
			"company",
			"territory",
			"website",
			"prospect_owner",
		),
		tables=("leads",),
		order=40,
		values=prospect_values,
		ties=prospect_ties,
	),
	Source(
		"Customer",
		columns=("lead_name", "opportunity_name", "prospect_name"),
		ties=customer_ties,
	),
]
