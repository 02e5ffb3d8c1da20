"""Give payments and journals the campaign of the documents that they settle, if that is a single campaign.

Writes `relation_campaign` on the rows of Journal Entry, and on Payment Entries that are allocated after
posting. `provenance` writes it on payments before posting, and `ledger/balance_sheets/repair` on vouchers
under repair.

A journal can carry campaigns only while they are reported in the ledger (`ledger/dimension`), because only
then its rows have the field. Its rows are filled on saving, also for journals of a write-off or of the bank
reconciliation tool. Bank reconciliation and Payment Reconciliation also allocate posted documents. Then the
document gets the campaign, and its posted rows stay unchanged. Only a user with the permission can repost
them (`ledger/balance_sheets/repair`). Unreconcile Payment removes the campaign again.
"""

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Coalesce

from crm_relations.pipeline.own_company import CAMPAIGN, fitting
from crm_relations.pipeline.provenance import campaigns_of
from crm_relations.pipeline.rules import JournalRow, agreed, campaign_of_journal
from crm_relations.shared.side_effects import deferrable, one_statement

ROWS = "Journal Entry Account"


@one_statement
def fill_journal(doc: Document) -> None:
	"""Give all rows of a Journal Entry the campaign of the documents that it settles (validate).

	They get one only if it is a single campaign.
	"""
	if _fill_rows(doc) and not doc.get("__islocal") and doc.get_doc_before_save() is None:
		_store_rows(doc)  # a deferred step: it failed while the document was saved


@one_statement
def follow_allocation(doc: Document) -> None:
	"""Update Payment Entry and Journal Entry after an allocation (on_update_after_submit).

	The allocation was made after the document was posted.
	"""
	if doc.doctype == "Journal Entry":
		if _fill_rows(doc):
			_store_rows(doc)
	elif not doc.get(CAMPAIGN):
		references = {(row.reference_doctype, row.reference_name) for row in doc.get("references") or []}
		known = campaigns_of(references)
		if campaign := fitting(agreed(known.get(reference) for reference in references), doc):
			doc.db_set(CAMPAIGN, campaign, update_modified=False)


@deferrable
def follow_unreconciling(doc: Document) -> None:
	"""Remove the campaign of documents that the payment no longer settles (on_submit of Unreconcile Payment).

	The payment gets the campaign of the remaining documents, if that is a single one. A campaign that a user
	entered differs from those of the documents, and stays.
	"""
	voucher = frappe.get_doc(doc.voucher_type, doc.voucher_no)
	taken = {(row.reference_doctype, row.reference_name) for row in doc.allocations}
	of_taken = campaigns_of(taken)
	if voucher.doctype == "Journal Entry":
		carried = {row.get(CAMPAIGN) for row in voucher.accounts}
		if (
			frappe.get_meta(ROWS).has_field(CAMPAIGN)
			and len(carried) == 1
			and carried <= set(of_taken.values())
		):
			frappe.db.set_value(ROWS, {"parent": voucher.name}, CAMPAIGN, None, update_modified=False)
	elif voucher.get(CAMPAIGN) and voucher.get(CAMPAIGN) in of_taken.values():
		left = {
			(row.reference_doctype, row.reference_name)
			for row in voucher.get("references") or []
			if row.allocated_amount and (row.reference_doctype, row.reference_name) not in taken
		}
		known = campaigns_of(left)
		campaign = fitting(agreed(known.get(reference) for reference in left), voucher)
		if campaign != voucher.get(CAMPAIGN):
			voucher.db_set(CAMPAIGN, campaign, update_modified=False)


def _fill_rows(doc: Document) -> bool:
	"""Fill the empty rows, and tell whether a row got the campaign."""
	rows = doc.get("accounts") or []
	if not frappe.get_meta(ROWS).has_field(CAMPAIGN) or not any(row.reference_name for row in rows):
		return False
	named = {(row.reference_type, row.reference_name) for row in rows if row.reference_name}
	known = campaigns_of(named)
	campaign = campaign_of_journal(
		[
			JournalRow(
				row.get(CAMPAIGN),
				bool(row.party or row.reference_name),
				known.get((row.reference_type, row.reference_name)),
			)
			for row in rows
		]
	)
	empty = [row for row in rows if not row.get(CAMPAIGN)] if fitting(campaign, doc) else []
	for row in empty:
		row.set(CAMPAIGN, campaign)
	return bool(empty)


def _store_rows(doc: Document) -> None:
	row = frappe.qb.DocType(ROWS)
	frappe.qb.update(row).set(row[CAMPAIGN], doc.accounts[0].get(CAMPAIGN)).where(
		(row.parent == doc.name) & (Coalesce(row[CAMPAIGN], "") == "")
	).run()
