"""Record the result of each imported row. Sole writer of `Relation Import Record` for opportunities.

A record is written in the same transaction as the documents of its row. A row is either in ERPNext and recorded, or
neither. The unique key (source, file, row key) prevents two runs from importing a row twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import frappe
from frappe.query_builder.functions import Sum
from frappe.utils import create_batch, now

from crm_relations.pipeline.importing.reader import Rejection, Row
from crm_relations.shared.money import to_decimal
from crm_relations.shared.text.outside_text import insert_rows

DOCTYPE = "Relation Import Record"
FIELDS = [
	"name", "creation", "modified", "owner", "modified_by", "source", "file_name", "row_key", "row_number",
	"state", "reason", "document_type", "document_name", "invoice", "amount",
]  # fmt: skip


@dataclass(frozen=True)
class Known:
	"""An imported row: its document, and the invoice of a won deal."""

	document: str
	invoice: str | None


def imported(source: str, file_name: str) -> dict[str, Known]:
	"""Return row key → document, for the imported rows of a file."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"source": source, "file_name": file_name, "state": "Imported"},
		fields=["row_key", "document_name", "invoice"],
		order_by="creation asc",
	)
	return {row.row_key: Known(row.document_name, row.invoice) for row in rows}


def remember(
	source: str,
	row: Row,
	key: str,
	document: tuple[str, str],
	*,
	invoice: str | None = None,
	amount: Decimal | None = None,
	note: str = "",
) -> None:
	"""Record that a row is imported as `document` (doctype, name).

	`note` says what a rule decided about it.
	"""
	_insert([_values(source, row, key, "Imported", note, document, invoice, amount)])


def reject(source: str, rejections: Iterable[Rejection]) -> None:
	"""Record that rows were rejected, and why."""
	_insert([_values(source, r.row, r.key, "Rejected", r.reason) for r in rejections])


def forget_rejections(source: str, file_name: str, keys: Iterable[str]) -> None:
	"""Delete earlier rejections, so that their rows are read again. The export may have been corrected."""
	for batch in create_batch(list(keys), 1000):
		frappe.db.delete(
			DOCTYPE,
			{"source": source, "file_name": file_name, "state": "Rejected", "row_key": ("in", list(batch))},
		)


def forget(source: str, file_name: str, key: str) -> None:
	"""Forget an imported row, because its document has been deleted."""
	frappe.db.delete(DOCTYPE, {"source": source, "file_name": file_name, "row_key": key})


def value_and_income(source: str, file_name: str, keys: set[str]) -> tuple[Decimal, Decimal]:
	"""Return the value of the won deals among `keys`, and the amount of their invoices on income accounts.

	Both are in company currency.
	"""
	record, entry, account = (
		frappe.qb.DocType(DOCTYPE),
		frappe.qb.DocType("GL Entry"),
		frappe.qb.DocType("Account"),
	)
	won = (
		frappe.qb.from_(record)
		.select(record.row_key, record.amount)
		.where((record.source == source) & (record.file_name == file_name) & record.invoice.isnotnull())
		.run()
	)
	posted = (
		frappe.qb.from_(record)
		.join(entry)
		.on(
			(entry.voucher_type == "Sales Invoice")
			& (entry.voucher_no == record.invoice)
			& (entry.is_cancelled == 0)
		)
		.join(account)
		.on((account.name == entry.account) & (account.root_type == "Income"))
		.select(record.row_key, Sum(entry.credit - entry.debit))
		.where((record.source == source) & (record.file_name == file_name))
		.groupby(record.row_key)
		.run()
	)
	return tuple(
		sum((to_decimal(amount) for key, amount in rows if key in keys), Decimal("0.00"))
		for rows in (won, posted)
	)


def _values(
	source: str,
	row: Row,
	key: str,
	state: str,
	reason: str,
	document: tuple[str | None, str | None] = (None, None),
	invoice: str | None = None,
	amount: Decimal | None = None,
) -> tuple:
	stamp, user = now(), frappe.session.user
	return (
		frappe.generate_hash(length=10), stamp, stamp, user, user, source, row.file, key[:255], row.number,
		state, reason, *document, invoice, amount or 0,
	)  # fmt: skip


def _insert(rows: list[tuple]) -> None:
	# no document object: tens of thousands of rows without other writers or links to check
	if rows:
		insert_rows(DOCTYPE, FIELDS, rows)
