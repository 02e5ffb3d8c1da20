"""Define where facts come from: queries that each return some columns of the facts of all relations, or of
some.

A source is one query that groups documents by relation (and company). The engine combines those of a doctype
in one query. The package relations may not name packages to its right. So interactions, campaigns and
pipeline add their sources by the hook `relation_fact_sources`, a list of dotted paths to lists of
`FactSource`; other apps may too. Writes nothing.

This module alone defines which rows count:

* *sold* are submitted Sales Invoices with credit notes (negative). Opening invoices do not count, because
their revenue was posted elsewhere; neither do transfers inside one company. A consolidated POS invoice
counts, the POS invoices in it do not.

* an *order* is a submitted Sales Order, or a sale that was invoiced without one.

* *open* is what the payment ledger shows as not paid.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

import frappe
from frappe.query_builder import Case, Interval
from frappe.query_builder.functions import Coalesce, Count, Max, Min, Sum
from pypika.queries import QueryBuilder
from pypika.terms import Criterion, ExistsCriterion, Term

from crm_relations.relations.facts import rules

FACTS: Final = "Relation Facts"
CONTACTS: Final = "Relation Contact Facts"
#: how several rows become one figure
Fold = Literal["sum", "max", "min"]
ITEM_GROUPS = "Relation Facts Item Group"

#: smaller amounts are not open, only a rounding
ROUNDING = 0.005
OPEN_QUOTATION = ("Open", "Replied", "Partially Ordered")

Table = Any


class OneOf(Term):
	"""The right side of IN for thousands of names, as one parameter.

	pypika makes a term of each name and writes all of them out again whenever it compares two sub-queries: a
	refresh spent most of its time on that.
	"""

	def __init__(self, names: Iterable[str]):
		super().__init__()
		self.names = tuple(sorted(names)) or ("",)
		self.written = "({})".format(", ".join("'{}'".format(n.replace("'", "''")) for n in self.names))

	def get_sql(self, param_wrapper: Any = None, **kwargs: Any) -> str:
		return param_wrapper.get_sql(param_value=self.names) if param_wrapper else self.written


@dataclass(frozen=True)
class Scope:
	"""The relations to compute, and the day.

	:param relations: None means all
	:param parties: doctype → names of the documents of these relations
	:param between: of all, only customers with names after the first and not after the second of these, in
		the database's order; None means no such border
	"""

	today: date
	relations: tuple[str, ...] | None = None
	parties: Mapping[str, Collection[str]] = field(default_factory=dict)
	between: tuple[str | None, str | None] = (None, None)

	@cached_property
	def start_12(self) -> str:
		"""Return the day before the last 12 months: they hold what is after it."""
		return str(rules.months_before(self.today, 12))

	@cached_property
	def start_24(self) -> str:
		return str(rules.months_before(self.today, 24))

	def of_customers(self, query: QueryBuilder, customer: Term) -> QueryBuilder:
		"""Return the query narrowed to the customers of the scope; `customer` is its column that names them."""
		if self.relations is not None:
			return query.where(customer.isin(OneOf(self.parties.get("Customer", ()))))
		after, last = self.between
		query = query.where(customer > after) if after is not None else query
		return query.where(customer <= last) if last is not None else query

	def of_parties(self, query: QueryBuilder, party_type: Term, party: Term) -> QueryBuilder:
		"""Return the query narrowed to the party documents of the scope; the columns name their doctype and
		name.
		"""
		if self.relations is None:
			return query
		members = [
			(party_type == doctype) & party.isin(OneOf(names)) for doctype, names in self.parties.items()
		]
		return query.where(Criterion.any(members) if members else party_type == "")

	def of_relations(self, query: QueryBuilder, relation: Term) -> QueryBuilder:
		"""Return the query narrowed to the relations of the scope; `relation` is its column that holds them."""
		return query if self.relations is None else query.where(relation.isin(OneOf(self.relations)))

	def within_12(self, day: Term) -> Criterion:
		return (day > self.start_12) & (day <= str(self.today))

	def within_24(self, day: Term) -> Criterion:
		return (day > self.start_24) & (day <= str(self.today))

	def stale_on(self, day: Term) -> Term:
		"""Return when a document of that day enters or leaves one of the windows next, or NULL."""
		return (
			Case()
			.when(day > str(self.today), day)
			.when(day > self.start_12, day + Interval(months=12))
			.when(day > self.start_24, day + Interval(months=24))
		)


@dataclass(frozen=True)
class FactSource:
	"""Some columns of the facts.

	`rows` returns a query that selects the owner of the row, then for Relation Facts `company`, then
	`columns` in order. The owner is `relation`, or, with `by` "party", `party_type` and `party`, or, with
	`by` "customer", `party`: the engine looks up the relation after the documents are grouped. Each column
	belongs to one source, except columns to which several sources add (`orders`, `last_contact`, `stale_on`).
	"""

	doctype: Literal["Relation Facts", "Relation Contact Facts"]
	columns: dict[str, Fold]
	rows: Callable[[Scope], QueryBuilder]
	by: Literal["relation", "party", "customer"] = "relation"
	#: the user must be able to read this doctype to see the figures; empty: reading the relation is enough
	needs: str = ""
	#: figure → the lists that show the documents behind it, for the relation and company of the scope
	opens: Callable[[Scope, str], dict[str, list["Listing"]]] | None = None


@dataclass(frozen=True)
class Listing:
	"""A list or report of the desk, filtered: fieldname → value or [operator, value].

	`adds_up` is its column with a sum over the list that equals the figure (over all lists of the figure, if
	there are several); "name" for the number of documents, empty if the figure is not a sum.
	"""

	doctype: str
	filters: dict[str, Any]
	adds_up: str = ""
	is_report: bool = False

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


def sources(doctype: str) -> list[FactSource]:
	"""Return the sources of one doctype, from the hook `relation_fact_sources`."""
	found = [source for path in frappe.get_hooks("relation_fact_sources") for source in frappe.get_attr(path)]
	return [source for source in found if source.doctype == doctype]


def amount_if(criterion: Criterion, amount: Term) -> Term:
	return Sum(Case().when(criterion, amount).else_(0))


def count_if(criterion: Criterion) -> Term:
	return Sum(Case().when(criterion, 1).else_(0))


# ── invoices ───────────────────────────────────────────────────────────────────────────────────


def is_sold(invoice: Table) -> Criterion:
	"""Return the condition for invoices and credit notes that are revenue."""
	return (
		(invoice.docstatus == 1)
		& (Coalesce(invoice.is_opening, "") != "Yes")
		& (Coalesce(invoice.represents_company, "") != invoice.company)
	)


def is_sale(invoice: Table) -> Criterion:
	"""Return the condition for invoices with a purchase: no credit notes, no debit notes."""
	return (invoice.is_return == 0) & (invoice.is_debit_note == 0)


def invoiced(scope: Scope) -> QueryBuilder:
	"""Return revenue from the headers: net of discounts, without taxes, in company currency."""
	invoice = frappe.qb.DocType("Sales Invoice")
	net, day = invoice.base_net_total, invoice.posting_date
	query = (
		frappe.qb.from_(invoice)
		.where(is_sold(invoice))
		.groupby(invoice.customer, invoice.company)
		.select(
			invoice.customer.as_("party"),
			invoice.company,
			amount_if(scope.within_12(day), net).as_("revenue_12_months"),
			amount_if(scope.within_24(day), net).as_("revenue_24_months"),
			amount_if(day <= str(scope.today), net).as_("revenue_total"),
			amount_if(scope.within_12(day) & (invoice.is_return == 1), net).as_("credit_notes_12_months"),
			count_if((invoice.is_return == 1) & (day <= str(scope.today))).as_("returns"),
			amount_if(scope.within_12(day), invoice.base_grand_total).as_("billed_12_months"),
			Max(Case().when(is_sale(invoice) & (day <= str(scope.today)), day)).as_("last_invoice"),
			Min(scope.stale_on(day)).as_("stale_on"),
		)
	)
	return scope.of_customers(query, invoice.customer)


def item_groups(scope: Scope) -> QueryBuilder:
	"""Return sales by customer, company and item group, from the lines, and the margin of the last 12 months.

	The margin is net amount less cost. Cost is what ERPNext stores with the line that moved the stock: the
	incoming rate on the invoice's line if the invoice updates stock, else on the line of the delivery note
	that it bills. ERPNext corrects both when stock is revalued. A line without such a rate (services,
	bundles, orders billed separately from their delivery) has no known cost. It counts neither in the margin
	nor in the revenue with known cost, with which the margin is compared.
	"""
	query, invoice, line, known, margin = _lines()
	net, day = line.base_net_amount, invoice.posting_date
	lately = known & scope.within_12(day)
	query = query.groupby(invoice.customer, invoice.company, line.item_group).select(
		invoice.customer.as_("party"),
		invoice.company,
		line.item_group,
		amount_if(day <= str(scope.today), net).as_("amount"),
		amount_if(scope.within_12(day), net).as_("amount_12_months"),
		amount_if(lately, margin).as_("margin_12_months"),
		amount_if(lately, net).as_("margin_base_12_months"),
		Max(Case().when(is_sale(invoice) & (day <= str(scope.today)), day)).as_("last_bought"),
	)
	return scope.of_customers(query, invoice.customer)


def margins(scope: Scope) -> QueryBuilder:
	"""Return the margin over all item groups: the same lines, of the last 12 months only."""
	query, invoice, line, known, margin = _lines()
	net = line.base_net_amount
	query = (
		query.where(scope.within_12(invoice.posting_date))
		.groupby(invoice.customer, invoice.company)
		.select(
			invoice.customer.as_("party"),
			invoice.company,
			amount_if(known, margin).as_("margin_12_months"),
			amount_if(known, net).as_("margin_base_12_months"),
		)
	)
	return scope.of_customers(query, invoice.customer)


def _lines() -> tuple[QueryBuilder, Table, Table, Criterion, Term]:
	"""Return the sold lines, their invoice, whether their cost is known, and their margin then."""
	invoice, line = frappe.qb.DocType("Sales Invoice"), frappe.qb.DocType("Sales Invoice Item")
	delivered = frappe.qb.DocType("Delivery Note Item")
	rate = Case().when(line.incoming_rate > 0, line.incoming_rate).else_(delivered.incoming_rate)
	query = (
		frappe.qb.from_(invoice)
		.join(line)
		.on(line.parent == invoice.name)
		.left_join(delivered)
		.on(delivered.name == line.dn_detail)
		.where(is_sold(invoice))
	)
	return query, invoice, line, rate > 0, line.base_net_amount - rate * line.stock_qty


# ── orders ─────────────────────────────────────────────────────────────────────────────────────


def ordered(scope: Scope) -> QueryBuilder:
	"""Return submitted Sales Orders."""
	order = frappe.qb.DocType("Sales Order")
	query = frappe.qb.from_(order).where(order.docstatus == 1).groupby(order.customer, order.company)
	query = query.select(order.customer.as_("party"), order.company)
	return scope.of_customers(query.select(*_orders(scope, order.transaction_date)), order.customer)


def sold_directly(scope: Scope) -> QueryBuilder:
	"""Return sales that were invoiced without a Sales Order: none of their lines names one."""
	invoice = frappe.qb.DocType("Sales Invoice")
	query = (
		direct_sales(invoice)
		.groupby(invoice.customer, invoice.company)
		.select(invoice.customer.as_("party"), invoice.company)
	)
	return scope.of_customers(query.select(*_orders(scope, invoice.posting_date)), invoice.customer)


def direct_sales(invoice: Table) -> QueryBuilder:
	"""Return sales without an order, nothing selected yet."""
	line = frappe.qb.DocType("Sales Invoice Item")
	from_order = (
		frappe.qb.from_(line).select(line.name).where((line.parent == invoice.name) & (line.sales_order > ""))
	)
	return (
		frappe.qb.from_(invoice)
		.where(is_sold(invoice) & is_sale(invoice))
		.where(ExistsCriterion(from_order).negate())
	)


def _orders(scope: Scope, day: Term) -> list[Term]:
	bought = Case().when(day <= str(scope.today), day)
	return [
		Count(bought).as_("orders"),
		count_if(scope.within_24(day)).as_("orders_24_months"),
		Count(bought).distinct().as_("order_days"),
		Min(bought).as_("first_order"),
		Max(bought).as_("last_order"),
		Min(
			Case().when(day > str(scope.today), day).when(day > scope.start_24, day + Interval(months=24))
		).as_("stale_on"),
	]


# ── the payment ledger ─────────────────────────────────────────────────────────────────────────


def vouchers(scope: Scope) -> QueryBuilder:
	"""Return what is open on each voucher of the payment ledger, and its due date; settled vouchers are left
	out.
	"""
	entry = frappe.qb.DocType("Payment Ledger Entry")
	today = str(scope.today)
	query = (
		frappe.qb.from_(entry)
		.where((entry.party_type == "Customer") & (entry.account_type == "Receivable"))
		.where(entry.delinked == 0)
		.groupby(entry.party, entry.company, entry.against_voucher_no)
		.select(
			entry.party,
			entry.company,
			entry.against_voucher_no,
			amount_if(entry.posting_date <= today, entry.amount).as_("amount"),
			# an entry against an invoice, such as a credit note, falls due later than the invoice, or has no date
			Coalesce(Min(entry.due_date), Min(entry.posting_date)).as_("due"),
			Min(Case().when(entry.posting_date > today, entry.posting_date)).as_("posted_later"),
		)
	)
	left = (Sum(entry.amount) != 0) | (Max(entry.posting_date) > today)
	return scope.of_customers(query.having(left), entry.party)


def is_overdue(voucher: Table, scope: Scope) -> Criterion:
	return (voucher.amount > ROUNDING) & (voucher.due < str(scope.today))


def owed(scope: Scope) -> QueryBuilder:
	"""Return open and overdue amounts, as ERPNext's report Accounts Receivable shows them.

	Open is all that the ledger has for the party, less advances and credits. Overdue is what is open on
	vouchers with a due date (the last one, if there are several) in the past; credits are not deducted from
	it.
	"""
	voucher = vouchers(scope).as_("voucher")
	overdue = is_overdue(voucher, scope)
	not_due = (voucher.amount > ROUNDING) & (voucher.due >= str(scope.today))
	return (
		frappe.qb.from_(voucher)
		.groupby(voucher.party, voucher.company)
		.select(
			voucher.party,
			voucher.company,
			Sum(voucher.amount).as_("open_amount"),
			amount_if(overdue, voucher.amount).as_("overdue_amount"),
			Min(Case().when(overdue, voucher.due)).as_("overdue_since"),
			Min(
				Case()
				.when(voucher.posted_later.isnotnull(), voucher.posted_later)
				.when(not_due, voucher.due + Interval(days=1))
			).as_("stale_on"),
		)
	)


# ── quotations ─────────────────────────────────────────────────────────────────────────────────


def is_open_quotation(quotation: Table) -> Criterion:
	return (quotation.docstatus == 1) & quotation.status.isin(OPEN_QUOTATION)


def quoted(scope: Scope) -> QueryBuilder:
	"""Return submitted quotations that are neither ordered, lost nor expired; to the customer or an earlier
	document of it.
	"""
	quotation = frappe.qb.DocType("Quotation")
	query = (
		frappe.qb.from_(quotation)
		.where(is_open_quotation(quotation))
		.groupby(quotation.quotation_to, quotation.party_name, quotation.company)
		.select(
			quotation.quotation_to.as_("party_type"),
			quotation.party_name.as_("party"),
			quotation.company,
			Count("*").as_("open_quotations"),
			Sum(quotation.base_net_total).as_("open_quotations_amount"),
			Min(quotation.valid_till + Interval(days=1)).as_("stale_on"),
		)
	)
	return scope.of_parties(query, quotation.quotation_to, quotation.party_name)
