"""Explain why ERPNext's balance sheet of a campaign has another share of a voucher than ours. Writes nothing.

Each voucher has one reason, derived from its document and its posted rows. The documents themselves decide
`REPAIRABLE` differences. All others are correct postings, or need a decision by a user.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import frappe
from frappe import _lt
from frappe.query_builder.functions import Coalesce, NullIf

from crm_relations.ledger.statements.cost_queries import DELIVERY, DIMENSION_FIELD
from crm_relations.ledger.statements.queries import CHAIN_RULE, CLOSING
from crm_relations.pipeline.provenance import campaigns_of
from crm_relations.pipeline.rules import JournalRow, agreed, campaign_of_journal
from crm_relations.shared.in_lists import one_of

Voucher = tuple[str, str]
INVOICE, PURCHASE = "Sales Invoice", "Purchase Invoice"
PAYMENT, JOURNAL = "Payment Entry", "Journal Entry"

#: code → meaning
TEXTS = {
	"posted-before": _lt(
		"Carries the campaign, but was posted before campaigns were reported in the ledger, or before it was allocated."
	),
	"header-without": _lt("All lines have the campaign, the document itself does not."),
	"payment-without": _lt("A payment without the campaign, although everything it pays has it."),
	"journal-without": _lt("A journal without the campaign, although everything it settles has it."),
	"journal-part": _lt("All expenses carry the campaign, the offsetting rows do not."),
	"several": _lt(
		"Not all lines are of the campaign. ERPNext posts receivable, tax and discount of the whole document with one campaign or none; here the lines divide them."
	),
	"by-rule": _lt("Attributed to the campaign by an attribution rule; the documents carry no campaign."),
	"payment-several": _lt("Pays documents of several campaigns, or of none; here each has its part."),
	"payment-more": _lt(
		"Carries the campaign, and pays more than its invoices: an advance, or other documents."
	),
	"journal-several": _lt("Settles or spends for several campaigns, or for none; here each has its part."),
	"other-campaign": _lt("Carries another campaign than the documents it settles."),
	"delivery": _lt("A delivery posted without the campaign; ERPNext does not repost deliveries."),
	"not-attributed": _lt(
		"An invoice that carries the campaign and is not attributed to it: Relation Settings, Rebuild Attribution."
	),
	"posted-other": _lt("Was posted with the campaign and no longer carries it: it was reallocated."),
	"closing": _lt("Year-end closing: ERPNext moves the profit to equity; here it is still shown as profit."),
	"no-part": _lt("Carries the campaign, but has no income or expense for it."),
	"report": _lt(
		"ERPNext's report counts differently here: entries of a finance book, or entries that you may not read."
	),
}
REPAIRABLE = (
	"posted-other",
	"posted-before",
	"header-without",
	"payment-without",
	"journal-without",
	"journal-part",
)


@dataclass
class Facts:
	"""The campaigns that a document carries, and those of the documents that it names."""

	header: str | None = None
	rows: set[str | None] = field(default_factory=set)  #: campaigns of its lines
	references: set[str | None] = field(default_factory=set)  #: campaigns of the documents that it pays
	journal: list[JournalRow] = field(default_factory=list)
	expenses: set[str | None] = field(
		default_factory=set
	)  #: campaigns of a journal's rows on profit and loss accounts
	by_rule: bool = False  #: it is, or pays, an invoice that is attributed by rule
	posted: set[str | None] = field(default_factory=set)  #: campaigns of its rows in the ledger


def reasons(
	campaign: str, vouchers: Iterable[Voucher], ours: set[Voucher], shared: set[str]
) -> dict[Voucher, str]:
	"""Return voucher → code of `TEXTS`.

	:param ours: the vouchers in which the campaign has a part
	:param shared: the invoices in which other campaigns have a part too
	"""
	by_type: dict[str, list[str]] = defaultdict(list)
	for voucher_type, name in vouchers:
		by_type[voucher_type].append(name)
	result = {}
	for voucher_type, names in by_type.items():
		facts = _facts(voucher_type, names, campaign)
		for name in names:
			voucher = (voucher_type, name)
			result[voucher] = _reason(campaign, voucher, facts[name], voucher in ours, name in shared)
	return result


def _reason(campaign: str, voucher: Voucher, facts: Facts, ours: bool, shared: bool) -> str:
	voucher_type, _name = voucher
	if voucher_type == CLOSING:
		return "closing"
	if voucher_type == DELIVERY:
		return "delivery" if ours else "no-part"
	if voucher_type == PAYMENT:
		return _of_payment(campaign, facts, ours)
	if voucher_type == JOURNAL:
		return _of_journal(campaign, facts, ours)
	if not ours:
		return "not-attributed" if voucher_type == INVOICE else "no-part"
	if facts.by_rule:
		return "by-rule"
	lines = {row or facts.header for row in facts.rows}
	if shared or lines != {campaign}:
		return "several"
	return "posted-before" if facts.header == campaign else "header-without"


def _of_payment(campaign: str, facts: Facts, ours: bool) -> str:
	if facts.header == campaign:
		if campaign not in facts.posted:
			return "posted-before"
		return "payment-more" if ours else "no-part"
	if campaign in facts.posted and not ours:
		return "posted-other"
	if facts.header:
		return "other-campaign"
	if agreed(facts.references) == campaign:
		return "payment-without"
	return "by-rule" if facts.by_rule else "payment-several"


def _of_journal(campaign: str, facts: Facts, ours: bool) -> str:
	carried = {row.campaign for row in facts.journal}
	if carried == {campaign}:
		if facts.posted != {campaign}:
			return "posted-before"
		return "payment-more" if ours else "no-part"
	if campaign in facts.posted and campaign not in carried and not ours:
		return "posted-other"
	if campaign_of_journal(facts.journal) == campaign:
		return "journal-without"
	if carried <= {campaign, None} and facts.expenses == {campaign}:
		return "journal-part"
	if facts.by_rule and carried == {None}:
		return "by-rule"
	return "journal-several" if ours else "no-part"


def _facts(voucher_type: str, names: list[str], campaign: str) -> Mapping[str, Facts]:
	facts: dict[str, Facts] = defaultdict(Facts)
	for name, carried in _posted(voucher_type, names):
		facts[name].posted.add(carried)
	for (_type, name), carried in campaigns_of((voucher_type, name) for name in names).items():
		facts[name].header = carried or None
	if voucher_type in (INVOICE, PURCHASE):
		for name, carried in _lines(f"{voucher_type} Item", names):
			facts[name].rows.add(carried)
	if voucher_type == INVOICE:
		for name in by_rule(names, campaign):
			facts[name].by_rule = True
	if voucher_type == PAYMENT:
		_add_references(facts, names)
	if voucher_type == JOURNAL:
		_add_journal(facts, names)
	return facts


def by_rule(names: Collection[str], campaign: str | None = None) -> set[str]:
	"""Return those of these invoices that a rule attributes (to the campaign)."""
	row = frappe.qb.DocType("Relation Attribution")
	query = frappe.qb.from_(row).select(row.voucher_no).distinct()
	query = query.where(
		(row.voucher_type == INVOICE) & (row.rule != CHAIN_RULE) & one_of(row.voucher_no, names)
	)
	return set((query.where(row.campaign == campaign) if campaign else query).run(pluck=True))


def _posted(voucher_type: str, names: list[str]) -> list[tuple]:
	gle = frappe.qb.DocType("GL Entry")
	return (
		frappe.qb.from_(gle)
		.select(gle.voucher_no, NullIf(gle[DIMENSION_FIELD], ""))
		.distinct()
		.where((gle.voucher_type == voucher_type) & (gle.is_cancelled == 0) & one_of(gle.voucher_no, names))
		.run()
	)


def _lines(doctype: str, names: list[str]) -> list[tuple]:
	item = frappe.qb.DocType(doctype)
	return (
		frappe.qb.from_(item)
		.select(item.parent, NullIf(item[DIMENSION_FIELD], ""))
		.distinct()
		.where(one_of(item.parent, names) & (item.base_net_amount != 0))
		.run()
	)


def _add_references(facts: dict[str, Facts], names: list[str]) -> None:
	row = frappe.qb.DocType("Payment Entry Reference")
	query = (
		frappe.qb.from_(row)
		.select(row.parent, row.reference_doctype, row.reference_name)
		.where(one_of(row.parent, names) & (Coalesce(row.reference_name, "") != ""))
	)
	found = query.run()
	known, ruled = _of_references((doctype, name) for _parent, doctype, name in found)
	for parent, doctype, name in found:
		facts[parent].references.add(known.get((doctype, name)))
		facts[parent].by_rule |= (doctype, name) in ruled


def _add_journal(facts: dict[str, Facts], names: list[str]) -> None:
	row, account = frappe.qb.DocType("Journal Entry Account"), frappe.qb.DocType("Account")
	query = (
		frappe.qb.from_(row)
		.join(account)
		.on(account.name == row.account)
		.select(
			row.parent,
			row.party,
			row.reference_type,
			row.reference_name,
			account.root_type,
			NullIf(row[DIMENSION_FIELD], "").as_("campaign"),
		)
		.where(one_of(row.parent, names))
	)
	found = query.run(as_dict=True)
	known, ruled = _of_references((row.reference_type, row.reference_name) for row in found)
	for row in found:
		reference = (row.reference_type, row.reference_name)
		own = facts[row.parent]
		own.journal.append(
			JournalRow(row.campaign, bool(row.party or row.reference_name), known.get(reference))
		)
		own.by_rule |= reference in ruled
		if row.root_type in ("Income", "Expense"):
			own.expenses.add(row.campaign)


def _of_references(references: Iterable[Voucher]) -> tuple[dict[Voucher, str | None], set[Voucher]]:
	"""Return document → campaign in its header, and the invoices among them that are attributed by rule."""
	asked = {(doctype, name) for doctype, name in references if doctype and name}
	invoices = [name for doctype, name in asked if doctype == INVOICE]
	ruled = by_rule(invoices) if invoices else set()
	return campaigns_of(asked), {(INVOICE, name) for name in ruled}
