"""Preview and repair vouchers with ledger rows that lack the campaign of their documents.

Writes the campaign of posted documents, as `pipeline/provenance` does, and inserts Repost Accounting Ledger.

The repair follows the rules of accounting:

* No amount, account, party or date changes, only the campaign. The sums of the voucher in ledger and payment
  ledger are read before and after. If one differs, the whole repair of the voucher is undone.
* Posted rows are not rewritten. The campaign is set on the document, and ERPNext reposts the voucher by its
  own document *Repost Accounting Ledger*. The old rows stay as cancelled rows with their reversals. Repost
  Accounting Ledger Settings of ERPNext name the voucher types that may be reposted.
* Closed or frozen periods are not changed, even if a role of the user would permit it.
* User, time and change are recorded by the Repost Accounting Ledger document (its owner), a comment on the
  voucher and one on the campaign.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import frappe
from erpnext.accounts.doctype.repost_accounting_ledger.repost_accounting_ledger import (
	get_allowed_types_from_settings,
)
from frappe import _
from frappe.model.document import Document
from frappe.query_builder.functions import Max, Sum
from frappe.utils import cint, cstr, formatdate, getdate, strip_html
from rq.timeouts import JobTimeoutException

from crm_relations.ledger.balance_sheets.balance_sheet import BalanceSheet
from crm_relations.ledger.balance_sheets.reasons import INVOICE, JOURNAL, PURCHASE, TEXTS
from crm_relations.ledger.statements.cost_queries import DIMENSION_FIELD
from crm_relations.shared.in_lists import one_of
from crm_relations.shared.money import to_decimal
from crm_relations.shared.refusals import filled, refuse

Voucher = tuple[str, str]
REPOST = "Repost Accounting Ledger"
#: doctype → table of rows that carry a campaign themselves
ROWS = {INVOICE: "items", PURCHASE: "items", JOURNAL: "accounts"}
SAVEPOINT = "relation_repair"
#: vouchers that a request reposts; a job reposts larger numbers
AT_ONCE = 20


class _Changed(Exception):
	"""Raised when reposting would change amounts of the voucher."""


@dataclass(frozen=True)
class Plan:
	"""The planned repair of a voucher; `blocked` says why it stays unchanged."""

	voucher: Voucher
	date: str
	code: str  #: of the reason
	blocked: str | None = None

	def as_dict(self) -> dict[str, Any]:
		return {
			"voucher_type": self.voucher[0],
			"voucher_no": self.voucher[1],
			"date": self.date,
			"reason": str(TEXTS[self.code]),
			"blocked": self.blocked,
		}


def may_repair(user: str | None = None) -> bool:
	"""Return whether a user may repost vouchers at all. ERPNext gives that permission to System Managers."""
	return all(frappe.has_permission(REPOST, ptype, user=user) for ptype in ("create", "submit"))


def plan(sheet: BalanceSheet) -> list[Plan]:
	"""Return the repairable vouchers of a sheet in order of posting, each with the reason that blocks it.

	Changes nothing.
	"""
	vouchers = sheet.repairable()
	blocked = _Blocks(sheet.company, vouchers, sheet.dates)
	return [
		Plan(voucher, sheet.dates.get(voucher, ""), sheet.reasons[voucher], blocked.why(voucher))
		for voucher in vouchers
	]


def repair(
	sheet: BalanceSheet, on_done: Callable[[int, int], None] | None = None, commit: bool = False
) -> list[dict[str, Any]]:
	"""Repair the repairable vouchers of a sheet. A voucher that fails is undone, and the others continue.

	:param on_done: called with the number done and the total number after each voucher
	:param commit: after each voucher, for jobs
	:return: for each voucher the columns of the plan, `repost` (the document that reposted it) and `error`
	"""
	plans = plan(sheet)
	result = []
	for number, row in enumerate(plans, start=1):
		answer = {**row.as_dict(), "repost": None, "error": None}
		if not row.blocked:
			answer["repost"], answer["error"] = _repair(row.voucher, sheet, row.code)
			if commit:
				frappe.db.commit()
		result.append(answer)
		if on_done:
			on_done(number, len(plans))
	done = [row for row in result if row["repost"]]
	if done:
		_tell_campaign(sheet, done)
	return result


def _repair(voucher: Voucher, sheet: BalanceSheet, code: str) -> tuple[str | None, str | None]:
	"""Repair one voucher; return (document that reposted it, error)."""
	frappe.db.savepoint(SAVEPOINT)
	messages = len(frappe.local.message_log)
	reposting = frappe.flags.through_repost_accounting_ledger
	try:
		doc = frappe.get_doc(*voucher, for_update=True)
		if doc.docstatus != 1:
			refuse(_("{0} {1} has been cancelled meanwhile."), _(doc.doctype), doc.name)
		before = footprint(doc.doctype, doc.name)
		if code != "posted-other":  # the document is correct; only its ledger rows are not
			_set_campaign(doc, sheet.campaign)
		repost = frappe.get_doc(
			{
				"doctype": REPOST,
				"company": sheet.company,
				"vouchers": [{"voucher_type": doc.doctype, "voucher_no": doc.name}],
			}
		)
		repost.insert()
		repost.submit()
		if footprint(doc.doctype, doc.name) != before:
			raise _Changed
		if code == "posted-other":
			told = _("Reposted without campaign {0} by {1} {2}; no amount has changed.")
		else:
			told = _("Campaign {0} set and reposted by {1} {2}; no amount has changed.")
		doc.add_comment("Info", filled(told, sheet.campaign, _(REPOST), repost.name))
		return repost.name, None
	except (frappe.QueryDeadlockError, JobTimeoutException):
		raise
	except Exception as error:
		frappe.db.rollback(save_point=SAVEPOINT)
		if isinstance(error, _Changed):
			reason = _(
				"ERPNext would post it with different amounts today. It is left unchanged. To set the campaign, cancel and amend it."
			)
		else:
			reason = strip_html(cstr(error)) or type(error).__name__
			frappe.log_error(title=f"Not repaired: {voucher[0]} {voucher[1]}", message=frappe.get_traceback())
		return None, reason
	finally:
		del frappe.local.message_log[messages:]
		frappe.flags.through_repost_accounting_ledger = reposting
		frappe.clear_document_cache(*voucher)


def _set_campaign(doc: Document, campaign: str) -> None:
	"""Set the campaign on a document without one; a document that carries another one is not changed."""
	if doc.meta.has_field(DIMENSION_FIELD) and not doc.get(DIMENSION_FIELD):
		doc.db_set(DIMENSION_FIELD, campaign, update_modified=False)
	for row in doc.get(ROWS.get(doc.doctype, "")) or []:
		if row.meta.has_field(DIMENSION_FIELD) and not row.get(DIMENSION_FIELD):
			row.db_set(DIMENSION_FIELD, campaign, update_modified=False)


def footprint(doctype: str, name: str) -> tuple[dict, dict]:
	"""Return the postings of a voucher without the campaign.

	These are its ledger by account, party and date, and its payment ledger by document. The journals for its
	exchange differences are included.
	"""
	vouchers = [(doctype, name), *((JOURNAL, journal) for journal in _exchange_journals(doctype, name))]
	ledger: dict[tuple, Decimal] = defaultdict(Decimal)
	payments: dict[tuple, Decimal] = defaultdict(Decimal)
	for voucher_type, voucher_no in vouchers:
		gle = frappe.qb.DocType("GL Entry")
		query = (
			frappe.qb.from_(gle)
			.select(gle.account, gle.party_type, gle.party, gle.posting_date, Sum(gle.debit - gle.credit))
			.where((gle.voucher_type == voucher_type) & (gle.voucher_no == voucher_no))
			.where(gle.is_cancelled == 0)
			.groupby(gle.account, gle.party_type, gle.party, gle.posting_date)
		)
		for account, party_type, party, date, amount in query.run():
			ledger[account, party_type or "", party or "", str(date)] += to_decimal(amount)
		ple = frappe.qb.DocType("Payment Ledger Entry")
		query = (
			frappe.qb.from_(ple)
			.select(
				ple.account,
				ple.party,
				ple.against_voucher_type,
				ple.against_voucher_no,
				Sum(ple.amount),
				Sum(ple.amount_in_account_currency),
			)
			.where((ple.voucher_type == voucher_type) & (ple.voucher_no == voucher_no) & (ple.delinked == 0))
			.groupby(ple.account, ple.party, ple.against_voucher_type, ple.against_voucher_no)
		)
		for account, party, against_type, against, amount, in_currency in query.run():
			own = (against_type, against) == (voucher_type, voucher_no)
			key = (account, party, "" if own else against_type, "" if own else against)
			payments[key] += to_decimal(amount)
			of_currency = (*key, "currency")
			payments[of_currency] += to_decimal(in_currency)
	return (
		{key: amount for key, amount in ledger.items() if amount},
		{key: amount for key, amount in payments.items() if amount},
	)


def _exchange_journals(doctype: str, name: str) -> list[str]:
	row, journal = frappe.qb.DocType("Journal Entry Account"), frappe.qb.DocType(JOURNAL)
	return (
		frappe.qb.from_(row)
		.join(journal)
		.on(journal.name == row.parent)
		.select(journal.name)
		.distinct()
		.where((row.reference_type == doctype) & (row.reference_name == name))
		.where((journal.voucher_type == "Exchange Gain Or Loss") & (journal.docstatus == 1))
		.run(pluck=True)
	)


def _tell_campaign(sheet: BalanceSheet, done: Sequence[dict[str, Any]]) -> None:
	named = ", ".join(f"{_(row['voucher_type'])} {row['voucher_no']} ({row['repost']})" for row in done[:20])
	more = len(done) - 20
	text = filled(_("{0} vouchers were reposted with this campaign: {1}"), len(done), named)
	if more > 0:
		text += " " + filled(_("and {0} more"), more)
	frappe.get_doc("Relation Campaign", sheet.campaign).add_comment("Info", text)


class _Blocks:
	"""Hold the reasons against reposting, read for all vouchers at once."""

	def __init__(self, company: str, vouchers: Sequence[Voucher], dates: dict[Voucher, str]):
		self.company = company
		self.dates = dates
		names = [name for _type, name in vouchers]
		self.allowed = set(get_allowed_types_from_settings())
		self.immutable = cint(frappe.db.get_single_value("Accounts Settings", "enable_immutable_ledger"))
		self.closed_until = _closed_until(company)
		self.frozen_until = _frozen_until(company)
		self.periods = _closed_periods(company)
		self.accounts = _unusable_accounts(names) if names else {}
		self.deferred = _deferred(names) if names else set()

	def why(self, voucher: Voucher) -> str | None:
		"""Return the first reason against reposting, with the remedy; None if there is no reason."""
		doctype, name = voucher
		day = getdate(self.dates[voucher])
		if self.immutable:
			return _(
				"The ledger is immutable (Accounts Settings): ERPNext would date the reversal today, and the document would count twice until then."
			)
		if self.closed_until and day <= self.closed_until:
			return _("The period is closed until {0}. The document is left unchanged.").format(
				formatdate(self.closed_until)
			)
		for row in self.periods:
			if row.document_type == doctype and row.start_date <= day <= row.end_date:
				return _("Accounting Period {0} is closed. The document is left unchanged.").format(row.name)
		if self.frozen_until and day <= self.frozen_until:
			return _("Accounts are frozen until {0}. The document is left unchanged.").format(
				formatdate(self.frozen_until)
			)
		if account := self.accounts.get(voucher):
			return _("Account {0} is frozen or disabled. The document is left unchanged.").format(account)
		if name in self.deferred:
			return _("It defers revenue or expense; ERPNext does not repost such documents.")
		if doctype not in self.allowed:
			return _("{0} may not be reposted: add it in Repost Accounting Ledger Settings.").format(
				_(doctype)
			)
		if not frappe.has_permission(doctype, "submit", doc=name):
			return _("You may not submit {0}.").format(_(doctype))
		return None


def _closed_until(company: str) -> Any:
	voucher = frappe.qb.DocType("Period Closing Voucher")
	query = frappe.qb.from_(voucher).select(Max(voucher.period_end_date))
	return query.where((voucher.company == company) & (voucher.docstatus == 1)).run()[0][0]


def _frozen_until(company: str) -> Any:
	"""Return the frozen-until date of the settings, and of the company in releases that keep it there."""
	days = []
	if frappe.get_meta("Accounts Settings").has_field("acc_frozen_upto"):
		days.append(frappe.db.get_single_value("Accounts Settings", "acc_frozen_upto"))
	if frappe.get_meta("Company").has_field("accounts_frozen_till_date"):
		days.append(frappe.db.get_value("Company", company, "accounts_frozen_till_date"))
	return max((getdate(day) for day in days if day), default=None)


def _closed_periods(company: str) -> list[frappe._dict]:
	period, closed = frappe.qb.DocType("Accounting Period"), frappe.qb.DocType("Closed Document")
	query = (
		frappe.qb.from_(period)
		.join(closed)
		.on(closed.parent == period.name)
		.select(period.name, period.start_date, period.end_date, closed.document_type)
		.where((period.company == company) & (closed.closed == 1))
		.orderby(period.start_date)
	)
	if frappe.get_meta("Accounting Period").has_field("disabled"):
		query = query.where(period.disabled == 0)
	return query.run(as_dict=True)


def _unusable_accounts(names: Collection[str]) -> dict[Voucher, str]:
	"""Return for each voucher one of its accounts that is now closed for postings."""
	gle, account = frappe.qb.DocType("GL Entry"), frappe.qb.DocType("Account")
	query = (
		frappe.qb.from_(gle)
		.join(account)
		.on(account.name == gle.account)
		.select(gle.voucher_type, gle.voucher_no, gle.account)
		.distinct()
		.where((gle.is_cancelled == 0) & one_of(gle.voucher_no, names))
		.where((account.freeze_account == "Yes") | (account.disabled == 1))
		.orderby(gle.account)
	)
	return {(doctype, name): account for doctype, name, account in query.run()}


def _deferred(names: Collection[str]) -> set[str]:
	found = set()
	for doctype, field in ((INVOICE, "enable_deferred_revenue"), (PURCHASE, "enable_deferred_expense")):
		item = frappe.qb.DocType(f"{doctype} Item")
		query = frappe.qb.from_(item).select(item.parent).distinct()
		found.update(query.where(one_of(item.parent, names) & (item[field] == 1)).run(pluck=True))
	return found
