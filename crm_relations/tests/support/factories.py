"""Create small story companies.

Everything is based on the German company with which the test site was set up.
"""

from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import add_days, nowdate

from crm_relations.demo.company import COMPANY, account
from crm_relations.shared.access import system_fields


def unique(text: str) -> str:
	"""Return `text` with a short random suffix, so that the names of a committing test are unique."""
	return f"{text} {frappe.generate_hash(length=6)}"


def insert(doctype: str, **values: Any) -> Document:
	"""Insert a document as a user of the desk; a system-managed document is inserted as the app does it."""
	doc = frappe.get_doc({"doctype": doctype, **values})
	if doctype.startswith("Relation") and system_fields.protection(doctype).by_code:
		system_fields.trusted(doc)
	return doc.insert(ignore_permissions=True)


def customer(name: str | None = None, **values: Any) -> Document:
	values = {"customer_type": "Company", "customer_group": "Commercial", "territory": "Germany", **values}
	return insert("Customer", customer_name=name or unique("Kunde"), **values)


def lead(name: str | None = None, **values: Any) -> Document:
	values.setdefault("email_id", f"{frappe.generate_hash(length=8)}@lead.example")
	return insert("Lead", first_name=name or unique("Interessent"), **values)


def contact(
	first_name: str, last_name: str, email: str | None = None, links: list[tuple[str, str]] = ()
) -> Document:
	return insert(
		"Contact",
		first_name=first_name,
		last_name=last_name,
		email_ids=[{"email_id": email, "is_primary": 1}] if email else [],
		links=[{"link_doctype": doctype, "link_name": name} for doctype, name in links],
	)


def item(code: str | None = None, rate: float = 100.0, **values: Any) -> Document:
	code = code or unique("ITEM")
	doc = insert(
		"Item",
		item_code=code,
		item_name=code,
		item_group="Services",
		stock_uom="Nos",
		is_stock_item=0,
		include_item_in_manufacturing=0,
		**values,
	)
	doc.rate = rate
	return doc


def relation(name: str | None = None, kind: str = "Organisation", **values: Any) -> Document:
	return insert("Relation", relation_name=name or unique("Beziehung"), relation_kind=kind, **values)


def user(email: str | None = None, *roles: str) -> str:
	"""Create a desk user with these roles, and return the name."""
	email = email or f"{frappe.generate_hash(length=8)}@example.com"
	if not frappe.db.exists("User", email):
		doc = frappe.get_doc(
			{"doctype": "User", "email": email, "first_name": email.split("@")[0], "send_welcome_email": 0}
		)
		doc.flags.no_welcome_mail = True
		doc.insert(ignore_permissions=True)
		if roles:
			doc.add_roles(*roles)
	return email


def invoice(
	party: str,
	lines: list[tuple[str, float, float]],
	submit: bool = True,
	taxed: bool = True,
	**values: Any,
) -> Document:
	"""Create a Sales Invoice of (item code, quantity, rate) lines, with 19 % VAT unless `taxed` is off."""
	date = values.pop("posting_date", nowdate())
	doc = frappe.get_doc(
		{
			"doctype": "Sales Invoice",
			"company": values.pop("company", COMPANY),
			"customer": party,
			"posting_date": date,
			"set_posting_time": 1,
			"due_date": add_days(date, 14),
			"items": [line(*row) for row in lines],
			**values,
		}
	)
	if taxed:
		add_vat(doc)
	doc.insert(ignore_permissions=True)
	if submit:
		doc.submit()
	return doc


def line(item_code: str, qty: float, rate: float, **values: Any) -> dict:
	return {"item_code": item_code, "qty": qty, "rate": rate, "price_list_rate": rate, **values}


def add_vat(doc: Document) -> None:
	doc.append(
		"taxes",
		{
			"charge_type": "On Net Total",
			"account_head": account(doc.company, "3806"),
			"description": "Umsatzsteuer 19 %",
			"rate": 19,
		},
	)


def pay(invoice_doc: Document, amount: float | None = None, date: str | None = None) -> Document:
	"""Submit a Payment Entry for the invoice, in full or for `amount`."""
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	entry = get_payment_entry("Sales Invoice", invoice_doc.name, party_amount=amount)
	entry.reference_no = "Test"
	entry.reference_date = entry.posting_date = date or invoice_doc.posting_date
	entry.insert(ignore_permissions=True)
	entry.submit()
	return entry


def segment(name: str | None = None, **values: Any) -> Document:
	"""Create a segment, a manual one unless `kind` and `rule` say otherwise."""
	return insert("Relation Segment", segment_name=name or unique("Segment"), **{"kind": "Manual", **values})


def campaign(name: str | None = None, **values: Any) -> Document:
	"""Create a campaign on its own manual segment."""
	values.setdefault("segment", None)
	values["segment"] = values["segment"] or segment().name
	return insert("Relation Campaign", campaign_name=name or unique("Kampagne"), **values)
