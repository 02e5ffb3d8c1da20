"""Attribute the lines of a voucher to campaigns.

Writes `Relation Attribution`, of which `queries` deletes orphaned rows, and `attributed_until` of the
attribution rules.

Each line of a posted Sales Invoice that carries a campaign has one row. The campaign of the line counts, else
that of the header. If no line carries a campaign, the attribution rule of the company applies
(`rule_attribution`). A line then has one row for each campaign. Their shares add up to 1, and their amounts
to the amount of the line. The submit of an invoice makes no such query: the job `attribute_waiting` follows
minutes later. A document flow always wins over a rule.

`amount` is the line's net amount in the company's currency (`base_net_amount`), negative on a credit note.
`account` is the account that the ledger credits with the line. This is the income account or, for deferred
revenue, the deferred revenue account. The statement counts deferred revenue when ERPNext moves it to income.
Lines that post no revenue get no row: sold fixed assets and transfers within the company.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import add_to_date, cint, flt, get_datetime, getdate, now, now_datetime
from pypika.terms import Parameter

from crm_relations.ledger.attributions import queries, rule_attribution
from crm_relations.ledger.precision import decimals_of, in_unit_of
from crm_relations.shared.money import allocate, to_decimal
from crm_relations.shared.side_effects import deferrable, one_statement

RULE = queries.CHAIN_RULE
OVERLAP_HOURS = 1  #: an invoice is committed some time after its modification time
CHUNK = 500
ROWS_AT_ONCE = 500
FIELDS = [
	"name",
	"creation",
	"modified",
	"owner",
	"modified_by",
	"campaign",
	"relation",
	"company",
	"voucher_type",
	"voucher_no",
	"voucher_detail_no",
	"posting_date",
	"account",
	"item_code",
	"share",
	"amount",
	"is_return",
	"rule",
	"evidence",
]
_LINE, _CAMPAIGN, _ACCOUNT = (FIELDS.index(name) for name in ("voucher_detail_no", "campaign", "account"))
#: fields of an invoice line that name its predecessors
CHAIN = ("sales_order", "so_detail", "delivery_note", "dn_detail", "sales_invoice_item", "pos_invoice")
#: fields of the invoice that name its predecessors
CHAIN_OF_HEADER = ("return_against", "amended_from", "subscription")


@one_statement
def attribute(doc: Document) -> None:
	"""Write the attribution rows of a submitted Sales Invoice, in one statement.

	Costs nothing if no line carries a campaign. Safe to run again: a line that has its row keeps it.
	"""
	if doc.docstatus != 1 or not _carries_campaign(doc, doc.items):
		return
	if not cint(frappe.db.get_single_value("Relation Settings", "attribute_invoices")):
		return
	_insert(_rows(doc, doc.items))


@deferrable
def withdraw(doc: Document) -> None:
	"""Delete the attribution rows of a cancelled Sales Invoice.

	An immutable ledger keeps the rows of the invoice and reverses them on the day of the cancellation. The
	attribution follows it. It stays in the period of the invoice, and `reversed_on` is the day from which it
	no longer counts.
	"""
	rows = {"voucher_type": doc.doctype, "voucher_no": doc.name}
	day = queries.day_of_reversal(doc.name)
	if day and day != getdate(doc.posting_date):
		frappe.db.set_value("Relation Attribution", rows, "reversed_on", day, update_modified=False)
	else:
		frappe.db.delete("Relation Attribution", rows)


@deferrable
def follow_changes(doc: Document) -> None:
	"""Update the attribution when accounts or campaigns of lines change after posting.

	Runs on_update_after_submit. ERPNext allows such changes for documents that may be reposted, and has
	reposted the invoice when this runs.
	"""
	if doc.docstatus != 1:
		return
	known = queries.accounts_and_campaigns(doc.name)
	if _carries_campaign(doc, doc.items):
		rows = _rows(doc, doc.items)
		if known != {(row[_LINE], row[_CAMPAIGN]): (row[_ACCOUNT], RULE) for row in rows}:
			frappe.db.delete("Relation Attribution", {"voucher_type": doc.doctype, "voucher_no": doc.name})
			_insert(rows)
		return
	accounts = {line.name: posting_account(doc, line) for line in doc.items}
	for (line, campaign), (account, rule) in known.items():
		key = {"voucher_detail_no": line, "campaign": campaign}
		if rule == RULE:  # the campaign was removed
			frappe.db.delete("Relation Attribution", key)
		elif line in accounts and account != accounts[line]:
			frappe.db.set_value("Relation Attribution", key, "account", accounts[line], update_modified=False)


def rebuild(
	company: str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
	"""Rebuild the attribution of all posted invoices, and delete the rows of invoices that are not posted.

	Commits after each chunk of 500 invoices. The rebuild can be stopped and run again without loss or duplicates.

	:param on_progress: called with (invoices done, invoices in total)
	:return: counts `invoices`, `rows`, `removed` (rows of deleted or cancelled invoices)
	"""
	counts = {"invoices": 0, "rows": 0, "removed": queries.delete_orphans(company)}
	frappe.db.commit()
	total = queries.count_invoices(company, from_date, to_date)
	after = ""
	while names := queries.invoices_after(after, company, from_date, to_date, CHUNK):
		invoices = queries.locked(names)
		frappe.db.delete(
			"Relation Attribution", {"voucher_type": "Sales Invoice", "voucher_no": ["in", names]}
		)
		rows = _rows_of(invoices, fresh=True)
		_insert(rows)
		frappe.db.commit()
		after = names[-1]
		counts["invoices"] += len(invoices)
		counts["rows"] += len(rows)
		if on_progress:
			on_progress(counts["invoices"], total)
	return counts


def attribute_waiting() -> dict[str, int]:
	"""Attribute by rule the invoices without a campaign that were posted since the last run.

	A job runs this every few minutes. Invoices from before the rule was created are left to a rebuild.
	Commits after each chunk. The job can be killed and run again.

	:return: counts `invoices` (examined), `rows`
	"""
	counts = {"invoices": 0, "rows": 0}
	if not cint(frappe.db.get_single_value("Relation Settings", "attribute_invoices")):
		return counts
	for company in rule_attribution.policies():
		began = now_datetime()
		rule = {"company": company}
		done = frappe.db.get_value(
			"Relation Attribution Rule", rule, ["attributed_until", "creation"], as_dict=True
		)
		since = add_to_date(get_datetime(done.attributed_until or done.creation), hours=-OVERLAP_HOURS)
		after = ""
		while names := queries.invoices_without_rows(after, company, since, CHUNK):
			rows = _rows_of(queries.locked(names), fresh=False)
			_insert(rows)
			frappe.db.commit()
			after = names[-1]
			counts["invoices"] += len(names)
			counts["rows"] += len(rows)
		frappe.db.set_value(
			"Relation Attribution Rule", rule, "attributed_until", began, update_modified=False
		)
		frappe.db.commit()
	return counts


def _rows_of(invoices: list[Any], fresh: bool) -> list[tuple]:
	"""Return the rows of posted invoices: by document flow if a line carries a campaign, else by rule.

	:param fresh: see `rule_attribution.shares_of`
	"""
	if not invoices:
		return []
	lines = queries.lines_of([invoice.name for invoice in invoices])
	rows = [row for invoice in invoices for row in _rows(invoice, lines.get(invoice.name, []))]
	without = [
		invoice
		for invoice in invoices
		if not (_carries_campaign(invoice, lines.get(invoice.name, [])) or _is_internal(invoice))
	]
	found = rule_attribution.shares_of(without, fresh)
	for invoice in without:
		if given := found.get(invoice.name):
			rows += _rule_rows(invoice, lines.get(invoice.name, []), given)
	return rows


def _carries_campaign(doc: Any, lines: Iterable[Any]) -> bool:
	return bool(doc.get("relation_campaign") or any(line.get("relation_campaign") for line in lines))


def _rows(doc: Any, lines: Iterable[Any]) -> list[tuple]:
	"""Return the rows of an invoice, given as a document or as the fields read by `queries`."""
	if not _carries_campaign(doc, lines) or _is_internal(doc):
		return []
	rows, stamp, places = [], _stamp(), decimals_of(doc.company)
	for line in lines:
		campaign = line.get("relation_campaign") or doc.get("relation_campaign")
		if not campaign or line.get("is_fixed_asset"):
			continue
		share = (campaign, 1.0, flt(line.base_net_amount, places))
		rows.append(_row(stamp, doc, line, doc.get("relation"), share, RULE, _evidence(doc, line)))
	return rows


def _rule_rows(doc: Any, lines: Iterable[Any], given: rule_attribution.RuleShares) -> list[tuple]:
	"""Return a row for each line and campaign.

	The cents of a line add up to its amount (largest remainder).
	"""
	rows, stamp = [], _stamp()
	for line in lines:
		if line.get("is_fixed_asset"):
			continue
		with in_unit_of(doc.company):
			amounts = allocate(to_decimal(line.base_net_amount), list(given.shares.values()))
		for (campaign, share), amount in zip(given.shares.items(), amounts, strict=True):
			evidence = given.evidence.get(campaign, {})
			if doc.get("return_against"):
				evidence = {**evidence, "return_against": doc.return_against}
			part = (campaign, share, amount)
			rows.append(_row(stamp, doc, line, given.relation, part, given.rule, evidence))
	return rows


def _stamp() -> tuple:
	"""Return time and user for all rows that are written at once."""
	return now(), frappe.session.user


def _row(
	stamp: tuple, doc: Any, line: Any, relation: str | None, part: tuple, rule: str, evidence: dict
) -> tuple:
	"""Return the values of `FIELDS`; `part` is campaign, share, amount."""
	time, user = stamp
	campaign, share, amount = part
	return (
		frappe.generate_hash(length=10),
		time,
		time,
		user,
		user,
		campaign,
		relation,
		doc.company,
		"Sales Invoice",
		doc.name,
		line.name,
		doc.posting_date,
		posting_account(doc, line),
		line.item_code,
		share,
		amount,
		cint(doc.is_return),
		rule,
		json.dumps(evidence),
	)


def posting_account(doc: Any, line: Any) -> str | None:
	"""Return the account that ERPNext credits with the line when the invoice is posted."""
	if line.get("enable_deferred_revenue") and not doc.is_return:
		return line.get("deferred_revenue_account")
	return line.income_account


def _is_internal(doc: Any) -> bool:
	"""Tell whether goods moved within the company: ERPNext posts no income for them."""
	return bool(doc.get("is_internal_customer") and doc.get("represents_company") == doc.company)


def _evidence(doc: Any, line: Any) -> dict[str, str]:
	"""Return where the campaign of the line was found, and the documents that precede it."""
	source = "Sales Invoice Item" if line.get("relation_campaign") else "Sales Invoice"
	evidence = {"field": f"{source}.relation_campaign"}
	evidence.update({field: line.get(field) for field in CHAIN if line.get(field)})
	evidence.update({field: doc.get(field) for field in CHAIN_OF_HEADER if doc.get(field)})
	return evidence


def _insert(rows: list[tuple]) -> None:
	for start in range(0, len(rows), ROWS_AT_ONCE):
		part = rows[start : start + ROWS_AT_ONCE]
		statement = _insert_statement(len(part), frappe.db.db_type)
		frappe.db.sql(statement, [value for row in part for value in row])


@lru_cache(maxsize=64)
def _insert_statement(rows: int, db_type: str) -> str:
	"""Return the INSERT of this number of rows, which leaves a line that has its row unchanged.

	The text is cached, because composing it takes longer than running it. It runs in the submit of every
	invoice.
	"""
	query = frappe.qb.into(frappe.qb.DocType("Relation Attribution")).columns(*FIELDS)
	query = query.on_conflict().do_nothing() if db_type == "postgres" else query.ignore()
	return query.insert(*[[Parameter("%s")] * len(FIELDS)] * rows).get_sql()
