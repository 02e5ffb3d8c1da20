"""Uninstall: nothing of ours stays behind on ERPNext's doctypes, and its documents stay whole.

Frappe drops our doctypes and what carries our module. It leaves the roles, the jobs of the scheduler, the
log of patches, and every record that names one of our doctypes: a task or a mail that points at a doctype
which is gone can no longer be saved. What is the user's (tasks, mails, files) stays and loses the reference;
what says something about our documents only (comments, versions, rights, filters) goes with them.

Columns of custom fields stay in the tables, as Frappe has it; `bench trim-tables` takes them. We empty them: were
the app installed again, an invoice that names a campaign which is gone could be neither cancelled nor credited.
"""

import frappe
from erpnext.accounts.doctype.accounting_dimension.accounting_dimension import get_doctypes_with_dimensions

from crm_relations.ledger import dimension
from crm_relations.setup import custom_fields, indexes

ROLES = ("Relation Manager", "Relation User", "Relation Confidential")
METHODS = "crm_relations.%"

#: doctype, field with the doctype, field with the name: the record stays, without the reference
KEPT = (
	("ToDo", "reference_type", "reference_name"),
	("Communication", "reference_doctype", "reference_name"),
	("File", "attached_to_doctype", "attached_to_name"),
	("Email Queue", "reference_doctype", "reference_name"),
	("Event", "reference_doctype", "reference_docname"),
)
#: doctype, field with the doctype: the record goes
REMOVED = (
	("Comment", "reference_doctype"),
	("Version", "ref_doctype"),
	("View Log", "reference_doctype"),
	("Notification Log", "document_type"),
	("Activity Log", "reference_doctype"),
	("Communication Link", "link_doctype"),
	("Dynamic Link", "link_doctype"),
	("Event Participants", "reference_doctype"),
	("Tag Link", "document_type"),
	("Document Follow", "ref_doctype"),
	("DocShare", "share_doctype"),
	("User Permission", "allow"),
	("List Filter", "reference_doctype"),
	("List View Settings", "name"),
	("Assignment Rule", "document_type"),
	("Data Import", "reference_doctype"),
	("Notification", "document_type"),
	("Custom DocPerm", "parent"),
	("Custom Field", "dt"),
	("Property Setter", "doc_type"),
	("Client Script", "dt"),
)


def before_uninstall() -> None:
	"""Take back the dimension, our fields and the references while our doctypes are still there."""
	dimension.switch_off()
	custom_fields.delete()
	_empty_columns()
	frappe.db.delete("DefaultValue", {"defkey": ["like", "relation\\_segments\\_%"]})
	frappe.db.delete("Property Setter", {"module": custom_fields.MODULE})
	_let_go_of(our_doctypes())
	indexes.drop_on_erpnext()


def our_doctypes() -> list[str]:
	"""Names of the doctypes that go with the app."""
	return frappe.get_all(
		"DocType", filters={"module": custom_fields.MODULE}, pluck="name", order_by="name asc"
	)


def _empty_columns() -> None:
	"""Empty what our fields and the dimension's have written, set-based; amounts and times of change stay."""
	columns = {(doctype, dimension.FIELDNAME) for doctype in get_doctypes_with_dimensions()}
	for doctype, fields in custom_fields.custom_fields().items():
		columns |= {(doctype, field["fieldname"]) for field in fields}
	for doctype, fieldname in sorted(columns):
		if frappe.db.table_exists(doctype) and _has_fields(doctype, fieldname):
			table = frappe.qb.DocType(doctype)
			frappe.qb.update(table).set(table[fieldname], None).where(table[fieldname].isnotnull()).run()


def _let_go_of(doctypes: list[str]) -> None:
	"""Clear or remove what names these doctypes, set-based. A doctype that this version lacks is passed over."""
	for doctype, *fields in KEPT:
		if _has_fields(doctype, *fields):
			table = frappe.qb.DocType(doctype)
			query = frappe.qb.update(table).where(table[fields[0]].isin(doctypes))
			for field in fields:
				query = query.set(table[field], None)
			query.run()
	for doctype, field in REMOVED:
		if _has_fields(doctype, field):
			frappe.db.delete(doctype, {field: ["in", doctypes]})


def _has_fields(doctype: str, *fields: str) -> bool:
	return bool(frappe.db.exists("DocType", doctype)) and all(
		frappe.db.has_column(doctype, field) for field in fields
	)


def after_uninstall() -> None:
	"""Take what Frappe leaves: the roles and what names them, the jobs, the log of patches.

	Commits: Frappe has committed its own part before it calls this, and commits nothing after.
	"""
	for role in ROLES:
		for doctype in ("Has Role", "Custom DocPerm"):
			frappe.db.delete(doctype, {"role": role})
		if frappe.db.exists("Role", role):
			frappe.delete_doc("Role", role, ignore_permissions=True, force=True)
	jobs = frappe.get_all(
		"Scheduled Job Type", filters={"method": ["like", METHODS]}, pluck="name", order_by="name asc"
	)
	if jobs:
		frappe.db.delete("Scheduled Job Log", {"scheduled_job_type": ["in", jobs]})
		frappe.db.delete("Scheduled Job Type", {"name": ["in", jobs]})
	frappe.db.delete("Patch Log", {"patch": ["like", METHODS]})
	frappe.db.commit()
	frappe.clear_cache()
