"""Create what follows the demo's handovers: quotation, order, invoice, payment, a credit note.

Uses ERPNext's own functions. Each step first checks whether its document exists already.
"""

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice
from frappe.model.document import Document
from frappe.utils import add_days, flt, nowdate

from crm_relations.pipeline.api import accept_handover

#: how far the n-th handover goes; the last entry applies to all further ones
COURSES = (
	("quotation", "order", "invoice", "payment"),
	("quotation", "order", "invoice", "part payment"),
	("quotation", "order", "invoice", "payment", "credit note"),
	("quotation", "order", "invoice"),
	("quotation",),
)


def accept(campaign: str, salesperson: str) -> int:
	"""Accept the proposed handovers; return how many handovers of the campaign are accepted."""
	for name in frappe.get_all(
		"Relation Handover",
		filters={"campaign": campaign, "status": "Proposed"},
		pluck="name",
		order_by="creation asc, name asc",
	):
		accept_handover(handover=name, salesperson=salesperson)
	return frappe.db.count("Relation Handover", {"campaign": campaign, "status": "Accepted"})


def sell(campaign: str, items: list[str]) -> dict[str, int]:
	"""Carry each accepted handover as far as its course says.

	:param items: what is sold, in turns; with a price in the selling price list
	:return: how many documents of each kind the campaign has
	"""
	rows = frappe.get_all(
		"Relation Handover",
		filters={"campaign": campaign, "status": "Accepted", "document_type": "Opportunity"},
		fields=["name", "document_name"],
		order_by="creation asc, name asc",
	)
	counts = dict.fromkeys(("quotation", "order", "invoice", "payment", "credit note"), 0)
	for index, row in enumerate(rows):
		course = COURSES[min(index, len(COURSES) - 1)]
		for step in _walk(row.document_name, items[index % len(items)], course):
			counts["payment" if step == "part payment" else step] += 1
	return counts


def _walk(opportunity: str, item: str, course: tuple[str, ...]) -> tuple[str, ...]:
	quotation = _found("Quotation", "opportunity", opportunity) or _quotation(opportunity, item)
	if "order" not in course:
		return course
	order = _found_by_row("Sales Order", "prevdoc_docname", quotation) or _order(quotation)
	invoice = _found_by_row("Sales Invoice", "sales_order", order) or _invoice(order)
	for step, share in (("payment", 1.0), ("part payment", 0.4)):
		if step in course and not frappe.db.exists(
			"Payment Entry Reference",
			{"reference_doctype": "Sales Invoice", "reference_name": invoice, "docstatus": 1},
		):
			_payment(invoice, share)
	if "credit note" in course and not frappe.db.exists(
		"Sales Invoice", {"return_against": invoice, "docstatus": 1}
	):
		_credit_note(invoice)
	return course


def _found(doctype: str, field: str, value: str) -> str | None:
	return frappe.db.get_value(doctype, {field: value, "docstatus": 1})


def _found_by_row(doctype: str, field: str, value: str) -> str | None:
	return frappe.db.get_value(
		f"{doctype} Item", {field: value, "docstatus": 1}, "parent", order_by="creation asc"
	)


def _quotation(opportunity: str, item: str) -> str:
	doc = make_quotation(opportunity)
	price = frappe.db.get_value("Item Price", {"item_code": item, "selling": 1}, "price_list_rate")
	doc.set("items", [{"item_code": item, "qty": 2, "rate": flt(price), "price_list_rate": flt(price)}])
	doc.valid_till = add_days(nowdate(), 30)
	return _submit(doc)


def _order(quotation: str) -> str:
	doc = make_sales_order(quotation)
	doc.delivery_date = nowdate()
	for row in doc.items:
		row.delivery_date = doc.delivery_date
	return _submit(doc)


def _invoice(order: str) -> str:
	return _submit(make_sales_invoice(order))


def _payment(invoice: str, share: float) -> str:
	doc = get_payment_entry("Sales Invoice", invoice)
	if share < 1:
		amount = flt(doc.paid_amount * share, 2)
		doc.paid_amount = doc.received_amount = amount
		doc.references[0].allocated_amount = amount
	doc.update({"reference_no": f"Demo {invoice}", "reference_date": nowdate()})
	return _submit(doc)


def _credit_note(invoice: str) -> str:
	"""Credit one piece of two."""
	doc = make_sales_return(invoice)
	for row in doc.items:
		row.qty = -1
	return _submit(doc)


def _submit(doc: Document) -> str:
	doc.flags.ignore_permissions = True
	doc.insert()
	doc.submit()
	return doc.name
