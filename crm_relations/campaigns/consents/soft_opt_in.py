"""Decide on advertising to existing customers, § 7 (3) UWG, from real sales and never from a declaration.
Writes nothing.

The law has four conditions, and all must hold.
(1) The trader got the address from the customer in connection with the sale of goods or services. It stands
on a submitted invoice to that customer, and the sale was not reversed.
(2) The trader advertises their own similar goods. The invoice is of the campaign's company, and bills an
item of a group that the campaign advertises, or of a group below it.
(3) The customer has not objected: `campaigns.rules.decide`.
(4) The customer was clearly informed of the right to object, when the address was collected and whenever it
is used. The notice was in force on the day of the invoice (Relation Settings), and each such email carries
it (`consents.footer`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Max, Sum
from frappe.utils import add_months, escape_html, format_date, getdate
from pypika.functions import Concat
from pypika.terms import Criterion

from crm_relations.shared.contact_keys import email_key
from crm_relations.shared.refusals import refuse

#: separates the parts of the key of the newest sale; occurs in no name
_SEPARATOR = "\x1f"
#: in company currency; less than this left of an invoice counts as nothing
_CENT = 0.005


@dataclass(frozen=True)
class Notice:
	"""A period in which invoices carried the notice of the right to object."""

	valid_from: date
	valid_until: date | None
	text_version: str

	def covers(self, day: date) -> bool:
		return self.valid_from <= day and (not self.valid_until or day <= self.valid_until)


@dataclass(frozen=True)
class Sale:
	"""The newest sale to a customer that shows an address and an advertised item group."""

	customer: str
	address: str  # normalized
	day: date
	invoice: str
	item_group: str


def proofs(campaign: Document, people: Mapping[str, str]) -> dict[str, str]:
	"""Return the addresses that the campaign may use as those of existing customers → the proof, in words.
	A fixed number of queries.

	:param people: normalized email address → its relation
	"""
	company = company_of(campaign)
	known = {key: relation for key, relation in people.items() if key and relation}
	groups = item_groups(campaign)
	notices = notices_of(company) if company else []
	if not (known and groups and notices):
		return {}
	customers = _customers(set(known.values()))
	if not customers:
		return {}
	everybody = sorted(set().union(*customers.values()))
	newest: dict[tuple[str, str], Sale] = {}
	for sale in _sales(everybody, company, groups, notices):
		newest[sale.customer, sale.address] = sale
	found: dict[str, str] = {}
	for key, relation in known.items():
		sales = [newest[c, key] for c in customers.get(relation, ()) if (c, key) in newest]
		if sales:
			found[key] = _words(max(sales, key=lambda sale: sale.day), notices)
	return found


def is_customer(relation: str) -> bool:
	"""Tell whether the relation is a customer, or the contact of one."""
	return bool(_customers({relation}))


def missing(campaign: Document) -> list[str]:
	"""Return what keeps a campaign with item groups from reaching existing customers, in words; empty if
	nothing does.
	"""
	if not campaign.get("item_groups"):
		return []
	company = company_of(campaign)
	if not company:
		return [
			_(
				"Company: enter the company of the advertised goods. Without it, no existing customer is contacted without consent"
			)
		]
	if not notices_of(company):
		return [
			_(
				"Relation Settings: no notice of the right to object is entered for {0}. No existing customer is contacted without consent"
			).format(escape_html(company))
		]
	return []


def check(campaign: Document) -> None:
	"""Refuse item groups that would make all goods similar."""
	for row in campaign.get("item_groups") or ():
		if not frappe.db.get_value("Item Group", row.item_group, "parent_item_group"):
			refuse(
				_(
					"Advertised Item Groups: {0} holds everything. Only goods similar to those sold may be advertised; choose groups below it"
				),
				row.item_group,
			)


def company_of(campaign: Document) -> str | None:
	"""Return the company with the advertised goods: the campaign's, else that of the settings, else the
	only one.
	"""
	if campaign.get("company"):
		return campaign.company
	if default := frappe.get_cached_doc("Relation Settings").default_company:
		return default
	companies = frappe.get_all("Company", pluck="name", limit=2, order_by="name asc")
	return companies[0] if len(companies) == 1 else None


def item_groups(campaign: Document) -> list[str]:
	"""Return the advertised item groups and those below them."""
	named = [row.item_group for row in campaign.get("item_groups") or ()]
	if not named:
		return []
	group, above = DocType("Item Group"), DocType("Item Group").as_("above")
	query = (
		frappe.qb.from_(group)
		.join(above)
		.on((group.lft >= above.lft) & (group.rgt <= above.rgt))
		.where(above.name.isin(named))
	)
	return query.select(group.name).distinct().run(pluck=True)


def notices_of(company: str) -> list[Notice]:
	"""Return the periods in which invoices of the company carried the notice of the right to object."""
	return [
		Notice(
			getdate(row.valid_from), getdate(row.valid_until) if row.valid_until else None, row.text_version
		)
		for row in frappe.get_cached_doc("Relation Settings").objection_notices
		if row.company == company
	]


def _customers(relations: set[str]) -> dict[str, set[str]]:
	"""Return the customers that a relation is, or is a contact of."""
	party, link = DocType("Relation Party"), DocType("Dynamic Link")
	names = sorted(relations)
	found: dict[str, set[str]] = {}
	itself = (
		frappe.qb.from_(party)
		.select(party.parent, party.party)
		.where((party.party_type == "Customer") & party.parent.isin(names))
	)
	contact_of = (
		frappe.qb.from_(party)
		.join(link)
		.on((link.parenttype == "Contact") & (link.parent == party.party) & (link.link_doctype == "Customer"))
		.select(party.parent, link.link_name)
		.where((party.party_type == "Contact") & party.parent.isin(names))
	)
	for relation, customer in [*itself.run(), *contact_of.run()]:
		found.setdefault(relation, set()).add(customer)
	return found


def _sales(customers: list[str], company: str, groups: list[str], notices: list[Notice]) -> list[Sale]:
	"""Return the newest sale that counts for each customer and address on its invoices."""
	invoice, item, credit = DocType("Sales Invoice"), DocType("Sales Invoice Item"), DocType("Sales Invoice")
	credit = credit.as_("credit")
	taken_back = (
		frappe.qb.from_(credit)
		.select(credit.return_against, Sum(credit.base_net_total).as_("amount"))
		.where((credit.docstatus == 1) & (credit.is_return == 1) & credit.customer.isin(customers))
		.groupby(credit.return_against)
	).as_("taken_back")
	latest = Max(
		Concat(invoice.posting_date, _SEPARATOR, invoice.name, _SEPARATOR, Coalesce(item.item_group, ""))
	)
	query = (
		frappe.qb.from_(invoice)
		.join(item)
		.on(item.parent == invoice.name)
		.left_join(taken_back)
		.on(taken_back.return_against == invoice.name)
		.select(invoice.customer, invoice.contact_email, latest)
		.where(invoice.customer.isin(customers) & (invoice.company == company) & (invoice.docstatus == 1))
		.where((invoice.is_return == 0) & (Coalesce(invoice.is_opening, "No") == "No"))
		.where(item.item_group.isin(groups) & (Coalesce(invoice.contact_email, "") != ""))
		.where(invoice.base_net_total + Coalesce(taken_back.amount, 0) > _CENT)
		.where(_in_force(invoice.posting_date, notices))
		.groupby(invoice.customer, invoice.contact_email)
	)
	months = frappe.get_cached_doc("Relation Settings").existing_customer_months or 0
	if months > 0:
		query = query.where(invoice.posting_date >= add_months(getdate(), -months))
	found: dict[tuple[str, str], Sale] = {}
	for customer, address, newest in query.run():
		key = email_key(address)
		day, name, item_group = newest.split(_SEPARATOR)
		sale = Sale(customer, key, getdate(day), name, item_group)
		if key and ((customer, key) not in found or found[customer, key].day < sale.day):
			found[customer, key] = sale
	return list(found.values())


def _in_force(column, notices: list[Notice]) -> Criterion:
	periods = [
		(column >= notice.valid_from) & (column <= (notice.valid_until or date.max)) for notice in notices
	]
	criterion = periods[0]
	for period in periods[1:]:
		criterion = criterion | period
	return criterion


def _words(sale: Sale, notices: list[Notice]) -> str:
	notice = next(n for n in notices if n.covers(sale.day))
	return _(
		"Invoice {0} of {1} to {2} with the address {3}, item group {4}; notice of the right to object {5} in force since {6}; no objection"
	).format(
		sale.invoice,
		format_date(sale.day),
		sale.customer,
		sale.address,
		sale.item_group,
		notice.text_version,
		format_date(notice.valid_from),
	)
