"""Run the steps of the round-trip test on its own site, one process per call, like commands.

        cd BENCH/sites && ../env/bin/python -m crm_relations.tests.support.machine.other_site SITE FUNCTION [ARGUMENT…]

It prints the return value of the function as JSON. Nothing here may depend on the app being installed on the
site.
"""

import io
import json
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout

import frappe
from frappe.desk.form.meta import get_meta as get_form_meta
from frappe.utils import nowdate

from crm_relations.commands import relations
from crm_relations.setup import custom_fields
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine import foreign_objects

OUR_FIELDS = ("relation", "relation_campaign")


def sell(campaign: str = "") -> str:
	"""Submit an invoice for a new customer, paid in part.

	If the app is installed, the invoice belongs to a campaign.
	"""
	customer = factories.customer()
	values = {"relation_campaign": campaign} if campaign else {}
	invoice = factories.invoice(customer.name, [(factories.item().name, 2, 150.0)], **values)
	factories.pay(invoice, 100.0)
	frappe.db.commit()
	return invoice.name


def invoice_as_it_is(name: str) -> dict:
	"""Return the invoice with its rows and its ledger rows, without empty fields."""
	ledger = frappe.get_all(
		"GL Entry",
		filters={"voucher_no": name},
		fields=["name", "account", "debit", "credit", "is_cancelled", "modified"],
		order_by="name asc",
	)
	return {"invoice": frappe.get_doc("Sales Invoice", name).as_dict(no_nulls=True), "ledger": ledger}


def change(name: str) -> list:
	"""Save a change of the submitted invoice, then cancel the invoice and its payments."""
	invoice = frappe.get_doc("Sales Invoice", name)
	invoice.group_same_items = 1
	invoice.save()
	payments = frappe.get_all(
		"Payment Entry Reference", filters={"reference_name": name, "docstatus": 1}, pluck="parent"
	)
	for payment in payments:
		frappe.get_doc("Payment Entry", payment).cancel()
	invoice.reload()
	invoice.cancel()
	frappe.db.commit()
	return [invoice.docstatus, invoice.group_same_items]


def use_the_app() -> str:
	"""Switch the dimension on, and leave traces of use: a task, a comment, a filter, a permission."""
	from crm_relations.ledger import dimension

	settings = frappe.get_doc("Relation Settings")
	settings.campaign_dimension = 1
	settings.save()
	dimension.ensure()
	segment = factories.insert("Relation Segment", segment_name=factories.unique("Segment"), kind="Manual")
	campaign = factories.insert(
		"Relation Campaign", campaign_name=factories.unique("Kampagne"), segment=segment.name
	)
	relation = factories.relation()
	relation.add_comment("Comment", "Called back")
	factories.insert(
		"ToDo", description="Call", reference_type="Relation", reference_name=relation.name, date=nowdate()
	)
	factories.insert(
		"Communication",
		subject="Offer",
		content="Offer",
		communication_type="Communication",
		reference_doctype="Relation Campaign",
		reference_name=campaign.name,
	)
	clerk = factories.user(None, "Relation Manager", "Sales User")
	factories.insert("User Permission", user=clerk, allow="Relation Campaign", for_value=campaign.name)
	frappe.db.commit()
	return campaign.name


def change_customer_of(invoice: str) -> None:
	"""Save the customer, as a user does to correct an address."""
	frappe.get_doc("Customer", frappe.db.get_value("Sales Invoice", invoice, "customer")).save()
	frappe.db.commit()


def dimension_of(invoice: str) -> list:
	"""Return the campaigns on the invoice's ledger rows; empty without the dimension."""
	if not frappe.get_meta("GL Entry").has_field("relation_campaign"):
		return []
	return frappe.get_all(
		"GL Entry", filters={"voucher_no": invoice}, pluck="relation_campaign", order_by="name asc"
	)


def installed() -> dict:
	"""Return our custom fields and the seeded records, with the time of their last change."""
	fields = frappe.get_all(
		"Custom Field",
		filters={"fieldname": ["in", OUR_FIELDS]},
		fields=["name", "modified"],
		order_by="name asc",
	)
	return {
		"fields": fields,
		"role_types": frappe.get_all("Relation Role Type", fields=["name", "modified"], order_by="name asc"),
		"roles": frappe.get_all(
			"Role", filters={"name": ["like", "Relation %"]}, pluck="name", order_by="name asc"
		),
	}


def leftovers() -> dict[str, list]:
	"""Return what the app has left on the site: type → names. Empty lists mean that nothing is left."""
	found = {
		"Custom Field": _names("Custom Field", {"fieldname": ["in", OUR_FIELDS]}),
		"Property Setter": _names("Property Setter", {"field_name": ["in", OUR_FIELDS]})
		+ _names("Property Setter", {"value": ["like", "%Relation Campaign%"]}),
		"Role": _names("Role", {"name": ["like", "Relation %"]}),
		"Has Role": _names("Has Role", {"role": ["like", "Relation %"]}),
		"DocPerm": _names("Custom DocPerm", {"role": ["like", "Relation %"]})
		+ _names("DocPerm", {"role": ["like", "Relation %"]}),
		"Accounting Dimension": _names("Accounting Dimension", {"document_type": ["like", "Relation%"]}),
		"Module Def": _names("Module Def", {"app_name": "crm_relations"}),
		"Scheduled Job Type": _names("Scheduled Job Type", {"method": ["like", "crm_relations.%"]}),
		"Patch Log": _names("Patch Log", {"patch": ["like", "crm_relations.%"]}),
		"Installed Application": _names("Installed Application", {"app_name": "crm_relations"}),
		"tables": [table for table in frappe.db.get_tables(cached=False) if table.startswith("tabRelation ")],
		"User Permission": _names("User Permission", {"allow": ["like", "Relation%"]}),
		"ToDo": _names("ToDo", {"reference_type": ["like", "Relation%"]}),
		"Communication": _names("Communication", {"reference_doctype": ["like", "Relation%"]}),
		"Comment": _names("Comment", {"reference_doctype": ["like", "Relation%"]}),
		"Version": _names("Version", {"ref_doctype": ["like", "Relation%"]}),
		"Dynamic Link": _names("Dynamic Link", {"link_doctype": ["like", "Relation%"]}),
	}
	for doctype, fieldname in _links_to("Module Def"):
		found.setdefault(doctype, []).extend(_names(doctype, {fieldname: custom_fields.MODULE}))
	for doctype in ("Workspace Sidebar", "Desktop Icon"):  # version 16
		if frappe.db.exists("DocType", doctype):
			found[doctype] = _names(doctype, {"app": "crm_relations"})
	return {kind: names for kind, names in found.items() if names}


def broken_forms() -> list[str]:
	"""Return doctypes with a form that does not load, or with a field that links to a missing doctype."""
	doctypes = {*custom_fields.custom_fields(), "Customer", "Supplier", "Employee", "Contact"}
	doctypes |= {"GL Entry", "Journal Entry Account", "Budget", "Purchase Invoice", "Communication", "ToDo"}
	broken = []
	for doctype in sorted(doctypes):
		form = get_form_meta(doctype).as_dict()
		for field in form["fields"]:
			if field.get("fieldtype") in ("Link", "Table") and not frappe.db.exists(
				"DocType", field["options"]
			):
				broken.append(f"{doctype}.{field['fieldname']}")
	return broken


FOREIGN_FIELDS = (("Sales Invoice", "relation", "Date"), ("Lead", "relation_campaign", "Data"))


def occupy_names() -> list[str]:
	"""Create objects of an administrator under names that the app needs, and return what a refusal must name."""
	frappe.flags.in_test = True  # the dimension makes its fields at once
	for name in ("Relation", "Relation Settings"):
		fields = [{"fieldname": "title", "fieldtype": "Data", "label": "Title"}]
		rights = [{"role": "System Manager", "read": 1, "write": 1, "create": 1}]
		factories.insert(
			"DocType",
			name=name,
			module="Core",
			custom=1,
			fields=fields,
			permissions=rights,
			issingle="S" in name,
		)
	factories.insert("Relation", title="Vetter")
	factories.insert("Role", role_name="Relation Manager")
	page = {
		"doctype": "Page",
		"name": "process-chain",
		"page_name": "process-chain",
		"module": "Core",
		"title": "Chain",
	}
	frappe.get_doc(page).db_insert()  # Frappe makes pages only in developer mode
	factories.insert(
		"Number Card", label="Calls to Make", module="Core", document_type="ToDo", function="Count"
	)
	for doctype, fieldname, fieldtype in FOREIGN_FIELDS:
		factories.insert("Custom Field", dt=doctype, fieldname=fieldname, label="Hand", fieldtype=fieldtype)
	factories.insert(
		"Accounting Dimension", label="Werbung", document_type="Brand", fieldname="relation_campaign"
	)
	frappe.db.sql_ddl("ALTER TABLE `tabSales Order` ADD INDEX `relation_facts` (`customer`)")
	frappe.db.sql_ddl("CREATE TABLE `tabRelation Link` (`name` varchar(140) PRIMARY KEY)")
	# permissions of a deleted doctype; the document layer would refuse them
	for parent in ("Relation Campaign", "Relation Link"):
		frappe.get_doc({"doctype": "Custom DocPerm", "parent": parent, "role": "All", "read": 1}).db_insert()
	frappe.db.commit()
	return [
		"Relation Settings", "Relation Manager", "process-chain", "Calls to Make", "Werbung", "relation_facts",
		"tabRelation Link", "Custom DocPerm", "field relation exists on Sales Invoice",
		"Nothing was changed",
	]  # fmt: skip


def free_names() -> None:
	"""Do what the refusal asked the administrator to do."""
	frappe.flags.in_test = True
	frappe.delete_doc("Accounting Dimension", "Werbung")
	for doctype, fieldname, _fieldtype in FOREIGN_FIELDS:
		if frappe.db.exists("Custom Field", f"{doctype}-{fieldname}"):
			frappe.delete_doc("Custom Field", f"{doctype}-{fieldname}")
	for name in ("Relation", "Relation Settings"):
		frappe.delete_doc("DocType", name)
	frappe.delete_doc("Role", "Relation Manager")
	frappe.db.delete("Page", {"name": "process-chain"})
	frappe.delete_doc("Number Card", "Calls to Make")
	frappe.db.delete("Custom DocPerm", {"parent": ["like", "Relation%"]})
	frappe.db.sql_ddl("ALTER TABLE `tabSales Order` DROP INDEX `relation_facts`")
	frappe.db.sql_ddl("ALTER TABLE `tabSales Invoice` DROP COLUMN `relation`")  # as trim-tables does
	frappe.db.sql_ddl("DROP TABLE IF EXISTS `tabRelation`")
	frappe.db.sql_ddl("DROP TABLE IF EXISTS `tabRelation Link`")
	frappe.db.commit()


def state_of_the_site() -> dict:
	"""Return the counts that an install would change."""
	doctypes = (
		"DocType",
		"Custom Field",
		"Role",
		"Module Def",
		"Report",
		"Page",
		"Number Card",
		"Property Setter",
	)
	found: dict = {doctype: frappe.db.count(doctype) for doctype in doctypes}
	found["tables"] = len(frappe.db.get_tables(cached=False))
	found["apps"] = frappe.get_installed_apps()
	found["default"] = frappe.db.get_default("crm_relations_roles")
	found["kept"] = (
		frappe.get_all("Relation", pluck="title") if frappe.db.exists("DocType", "Relation") else []
	)
	return found


def documents() -> dict[str, int]:
	"""Return the number of documents of each type that the import and the demo make."""
	doctypes = (
		"Customer", "Item", "Contact", "Opportunity", "Quotation", "Sales Order", "Sales Invoice", "Payment Entry",
		"Communication", "ToDo", "Relation", "Relation Link", "Relation Consent", "Relation Segment",
		"Relation Campaign Member", "Relation Campaign Send", "Relation Campaign Response", "Relation Interaction",
		"Relation Handover", "Relation Attribution", "Relation Import Record",
	)  # fmt: skip
	return {doctype: frappe.db.count(doctype) for doctype in doctypes}


def said(*lines: str) -> list[dict]:
	"""Run each line as arguments of `bench relations` in this process; return `code`, `out`, `err` of each."""
	site, found = frappe.local.site, []
	for line in lines:
		out, err, code = io.StringIO(), io.StringIO(), 0
		try:
			with redirect_stdout(out), redirect_stderr(err):
				relations.main(shlex.split(line), "relations", obj={"sites": [site]})
		except SystemExit as ended:  # click ends every command this way
			code = ended.code or 0
		found.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
	return found


def _names(doctype: str, filters: dict) -> list[str]:
	return frappe.get_all(doctype, filters=filters, pluck="name", order_by="name asc")


def _links_to(doctype: str) -> list[tuple[str, str]]:
	rows = frappe.get_all(
		"DocField",
		filters={"fieldtype": "Link", "options": doctype},
		fields=["parent", "fieldname"],
		order_by="parent asc",
	)
	return [
		(row.parent, row.fieldname)
		for row in rows
		if not frappe.get_meta(row.parent).issingle and not frappe.get_meta(row.parent).get("is_virtual")
	]


FUNCTIONS = (
	sell,
	invoice_as_it_is,
	change,
	use_the_app,
	dimension_of,
	installed,
	leftovers,
	broken_forms,
	occupy_names,
	free_names,
	state_of_the_site,
	documents,
	said,
	change_customer_of,
	*foreign_objects.FUNCTIONS,
)


if __name__ == "__main__":
	frappe.init(site=sys.argv[1], sites_path=".")
	frappe.connect()
	functions = {function.__name__: function for function in FUNCTIONS}
	answer = functions[sys.argv[2]](*sys.argv[3:])
	frappe.destroy()
	print(json.dumps(answer, default=str))
