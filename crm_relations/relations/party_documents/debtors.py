"""Derive the role Debtor from the payment ledger. Writes nothing.

A party is a debtor while the balance of its posted receivables is above zero, in at least one company and
currency. The balance counts, not the open voucher: since ERPNext 15 a credit note may stay open alongside the
invoice it cancels, and an advance pays before it is allocated. Amounts are in the currency of the account, so
that exchange differences have no effect.
"""

from datetime import date

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Min, Sum
from frappe.utils import getdate
from pypika import analytics

from crm_relations.relations.rules import Spell

#: smaller amounts are not open, only a rounding
ROUNDING = 0.005
#: number of debt periods kept as roles of a party; the ledger has all of them
KEPT = 3

#: (party, company, currency)
_Account = tuple[str, str, str]


def spells(party_type: str, parties: list[str]) -> list[tuple[str, Spell]]:
	"""Return the latest periods in which each party owed us.

	A period runs from the posting that raised the balance above zero to the one that brought it back. One
	query, which returns only those postings.
	"""
	result: dict[_Account, list[Spell]] = {}
	for party, company, currency, day, balance, voucher_type, voucher_no in _turns(party_type, parties):
		found = result.setdefault((party, company, currency), [])
		if balance > ROUNDING:
			found.append(Spell(getdate(day), None, voucher_type, voucher_no))
		elif found:
			found[-1] = _ended(found[-1], getdate(day))
	return [(account[0], spell) for account, found in result.items() for spell in found[-KEPT:]]


def _ended(spell: Spell, day: date) -> Spell:
	return Spell(spell.since, day, spell.document_type, spell.document_name)


def _turns(party_type: str, parties: list[str]) -> list[tuple]:
	"""Return the vouchers at which a balance rose above zero or fell back, in the order of their postings."""
	ple = frappe.qb.DocType("Payment Ledger Entry")
	of_voucher = (
		ple.party,
		ple.company,
		ple.account_currency,
		ple.posting_date,
		ple.voucher_type,
		ple.voucher_no,
	)
	voucher = (
		frappe.qb.from_(ple)
		.select(*of_voucher, Sum(ple.amount_in_account_currency).as_("amount"), Min(ple.creation).as_("at"))
		.where(ple.party_type == party_type)
		.where(ple.party.isin(parties))
		.where(ple.account_type == "Receivable")
		.where(ple.delinked == 0)
		.groupby(*of_voucher)
	)
	order = (voucher.posting_date, voucher.at, voucher.voucher_type, voucher.voucher_no)
	balance = (
		analytics.Sum(voucher.amount)
		.over(voucher.party, voucher.company, voucher.account_currency)
		.orderby(*order)
	)
	running = frappe.qb.from_(voucher).select(
		voucher.party,
		voucher.company,
		voucher.account_currency,
		*order,
		voucher.amount,
		balance.as_("balance"),
	)
	before = running.balance - running.amount
	rises = (running.balance > ROUNDING) & (before <= ROUNDING)
	falls = (running.balance <= ROUNDING) & (before > ROUNDING)
	return (
		frappe.qb.from_(running)
		.select(
			running.party,
			running.company,
			running.account_currency,
			running.posting_date,
			running.balance,
			running.voucher_type,
			running.voucher_no,
		)
		.where(rises | falls)
		.orderby(running.posting_date)
		.orderby(running.at)
		.orderby(running.voucher_type)
		.orderby(running.voucher_no)
	).run()


# ── what an event can do to the role ───────────────────────────────────────────────────────────


def invoice_effect(doc: Document) -> str:
	"""Return the effect of an invoice: with an open amount it only raises the balance; a credit note or a
	paid one may do both.
	"""
	opens = (
		doc.docstatus == 1 and not doc.get("is_return") and (doc.get("outstanding_amount") or 0) > ROUNDING
	)
	return "opens" if opens else "either"


def payment_effect(doc: Document) -> str:
	"""Return the effect of a payment: money received can only lower the balance."""
	return "closes" if doc.docstatus == 1 and doc.get("payment_type") == "Receive" else "either"


def journal_effect(doc: Document) -> str:
	return "either"
