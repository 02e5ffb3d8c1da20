"""Switch the campaign on and off as Accounting Dimension of ERPNext.

Sole writer of that dimension and its fields.

While it is on, ERPNext's own General Ledger, Trial Balance, Profit and Loss and Balance Sheet filter new
postings by campaign. Nothing else of this app depends on it. The dimension is never mandatory, never posts
balancing entries, and its fields are not printed on customers' documents.

Switching it off removes the dimension, its fields, the index and ERPNext's entry in the options of Budget.
Our own fields stay. Database columns and the values in posted rows stay too, because a ledger is not
rewritten. After switching on again, the old rows are found again.

ERPNext creates and deletes the fields in background jobs. We do it at once instead, and make sure that no
such job is queued. A late job would create fields for a removed dimension, or delete fields of ours. Changing
fields commits, as every change of a table does in MariaDB.
"""

import frappe
from erpnext.accounts.doctype.accounting_dimension.accounting_dimension import (
	get_doctypes_with_dimensions,
	make_dimension_in_accounting_doctypes,
)
from frappe import _
from frappe.custom.doctype.custom_field.custom_field import create_custom_field
from frappe.model.document import Document
from frappe.utils import cint

from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

DOCUMENT_TYPE = LABEL = "Relation Campaign"
FIELDNAME = "relation_campaign"
MODULE = "CRM Relations"
BUDGET_OPTIONS = "Budget-budget_against-options"


def switch_on() -> None:
	"""Create the dimension with its fields and index, at once. Safe to run again.

	:raises frappe.ValidationError: the campaign has a dimension with another field name, or a foreign
		field has the name that the dimension needs
	"""
	if foreign := foreign_fields():
		refuse(
			_(
				"{0} has a field {1} that does not link to {2}. Delete it or give it another name, and try again."
			),
			", ".join(foreign),
			FIELDNAME,
			_(DOCUMENT_TYPE),
		)
	dimension = current() or _insert_dimension()
	if dimension.fieldname != FIELDNAME:
		refuse(
			_(
				"The Accounting Dimension {0} uses the field {1}; {2} is needed. Delete that dimension and try again."
			),
			dimension.name,
			dimension.fieldname,
			FIELDNAME,
		)
	if dimension.disabled:
		frappe.db.set_value("Accounting Dimension", dimension.name, "disabled", 0)
	_create_ledger_field()
	if missing := _doctypes_without_field():
		make_dimension_in_accounting_doctypes(doc=dimension, doclist=missing)
	for attribute in ("print_hide", "ignore_user_permissions"):
		_set_on_fields(attribute, 1)
	_set_on_fields("read_only", 0)
	_add_companies(dimension)
	_forget()


def switch_off() -> None:
	"""Remove the dimension; our own fields and all postings stay. Safe to run again."""
	for name in frappe.get_all(
		"Accounting Dimension", {"document_type": DOCUMENT_TYPE}, pluck="name", order_by="name asc"
	):
		frappe.delete_doc(
			"Accounting Dimension", name, ignore_permissions=True, force=True, ignore_on_trash=True
		)
	_drop_index()
	_delete_fields()
	_set_on_fields("read_only", 0)  # ERPNext also locks our own fields when a user disables the dimension
	_restore_budget_options()
	_forget()


def ensure() -> None:
	"""Apply the switch `Relation Settings.campaign_dimension` after a migration.

	A dimension that a user disabled in ERPNext stays disabled. If a foreign field uses the name, nothing is done, because a
	migration must not fail for it; `checks` reports it. With the switch off, a manually created dimension is left
	unchanged, and only fields without a dimension are removed.
	"""
	dimension = current()
	if cint(frappe.db.get_single_value("Relation Settings", "campaign_dimension")):
		if not (dimension and dimension.disabled) and not foreign_fields():
			switch_on()
	elif not dimension and fields():
		switch_off()


def current() -> Document | None:
	"""Return the Accounting Dimension of the campaign, whichever user or app created it."""
	name = frappe.db.get_value("Accounting Dimension", {"document_type": DOCUMENT_TYPE})
	return frappe.get_doc("Accounting Dimension", name) if name else None


@deferrable
def add_company(doc: Document) -> None:
	"""Add a row for a new company to the dimension.

	Without it, POS closing would mix campaigns in its merged invoices.
	"""
	if dimension := current():
		_add_companies(dimension)


@deferrable
def forget_company(doc: Document) -> None:
	"""Remove the row of a company that is being deleted; it would otherwise prevent the deletion."""
	if dimension := current():
		frappe.db.delete("Accounting Dimension Detail", {"parent": dimension.name, "company": doc.name})
		_forget()


@deferrable
def follow_rename(doc: Document) -> None:
	"""Rename the campaign in columns that lost their field when the dimension was switched off.

	Frappe does not rename these values. After switching on again, they would name a campaign that does not
	exist.
	"""
	old, new = doc.flags.relation_renamed
	for doctype in get_doctypes_with_dimensions():
		if _has_forgotten_column(doctype):
			table = frappe.qb.DocType(doctype)
			frappe.qb.update(table).set(table[FIELDNAME], new).where(table[FIELDNAME] == old).run()


def keep_what_is_posted(doc: Document) -> None:
	"""Refuse to delete a campaign on posted rows while the field of their column is removed.

	Frappe does not see them.

	:raises frappe.LinkExistsError: such rows exist
	"""
	if not _has_forgotten_column("GL Entry"):
		return
	gle = frappe.qb.DocType("GL Entry")
	query = frappe.qb.from_(gle).select(gle.voucher_type, gle.voucher_no)
	if found := query.where(gle[FIELDNAME] == doc.name).limit(1).run():
		refuse(
			_("Campaign {0} cannot be deleted: the ledger carries it, for instance {1} {2}."),
			doc.name,
			_(found[0][0]),
			found[0][1],
			exception=frappe.LinkExistsError,
		)


def _has_forgotten_column(doctype: str) -> bool:
	"""Tell whether the table still has the column although the doctype has no such field.

	Then the dimension was switched off.
	"""
	meta = frappe.get_meta(doctype)
	if meta.has_field(FIELDNAME) or meta.issingle or meta.is_virtual:
		return False
	return frappe.db.has_column(doctype, FIELDNAME)


def state() -> str:
	"""Return the state of the dimension: `on`, `disabled` or `off`.

	Only when it is `on`, ERPNext's ledger carries campaigns and its reports filter by them.
	"""
	dimension = current()
	if not dimension or not frappe.get_meta("GL Entry").has_field(FIELDNAME):
		return "off"
	return "disabled" if dimension.disabled else "on"


def fields() -> list[str]:
	"""Return the names of the Custom Fields that the dimension added to ERPNext's doctypes, without ours."""
	field = frappe.qb.DocType("Custom Field")
	query = (
		frappe.qb.from_(field)
		.select(field.name)
		.where((field.fieldname == FIELDNAME) & (field.options == DOCUMENT_TYPE))
		.where(field.dt.isin(get_doctypes_with_dimensions()))
		.where(field.module.isnull() | (field.module != MODULE))
	)
	return query.run(pluck=True)


def foreign_fields() -> list[str]:
	"""Return the doctypes on which a foreign field has the dimension's field name.

	Such a field has another type or other options.
	"""
	field = frappe.qb.DocType("Custom Field")
	query = (
		frappe.qb.from_(field)
		.select(field.dt)
		.where((field.fieldname == FIELDNAME) & field.dt.isin(get_doctypes_with_dimensions()))
		.where((field.fieldtype != "Link") | field.options.isnull() | (field.options != DOCUMENT_TYPE))
		.orderby(field.dt)
	)
	return query.run(pluck=True)


def companies_without_row(dimension: Document) -> list[str]:
	"""Return the companies without a row in the dimension.

	The consolidation of POS invoices reads these rows.
	"""
	known = {row.company for row in dimension.dimension_defaults}
	names = frappe.get_all("Company", pluck="name", order_by="name asc")
	return [name for name in names if name not in known]


def _insert_dimension() -> Document:
	"""Insert the dimension without `after_insert`, which queues ERPNext's job (see above)."""
	dimension = frappe.get_doc(
		{
			"doctype": "Accounting Dimension",
			"name": LABEL,
			"label": LABEL,
			"document_type": DOCUMENT_TYPE,
			"fieldname": FIELDNAME,
		}
	)
	dimension.set("__islocal", True)  # ERPNext validates an existing dimension by other rules
	dimension.run_method("before_insert")
	dimension.run_method("validate")
	dimension.db_insert()
	frappe.clear_document_cache("Accounting Dimension", dimension.name)
	return frappe.get_doc("Accounting Dimension", dimension.name)


def _doctypes_without_field() -> list[str]:
	doctypes = get_doctypes_with_dimensions()
	have = frappe.get_all(
		"Custom Field", {"fieldname": FIELDNAME, "dt": ["in", doctypes]}, pluck="dt", order_by="dt asc"
	)
	return [doctype for doctype in doctypes if doctype not in have]


def _create_ledger_field() -> None:
	"""Create the ledger's field with its index, before ERPNext creates it without one."""
	field = frappe.db.get_value(
		"Custom Field", {"dt": "GL Entry", "fieldname": FIELDNAME}, ["name", "search_index"], as_dict=True
	)
	if field:
		if not field.search_index:
			_set_index(field.name, 1)
		return
	create_custom_field(
		"GL Entry",
		{
			"fieldname": FIELDNAME,
			"label": LABEL,
			"fieldtype": "Link",
			"options": DOCUMENT_TYPE,
			"insert_after": "dimension_col_break",
			"owner": "Administrator",
			"search_index": 1,
		},
		ignore_validate=True,
	)


def _drop_index() -> None:
	own = {"dt": "GL Entry", "fieldname": FIELDNAME, "options": DOCUMENT_TYPE}
	if field := frappe.db.get_value("Custom Field", own):
		_set_index(field, 0)


def _set_index(field: str, value: int) -> None:
	"""Set the index; Frappe creates or drops it when it updates the table from the field."""
	frappe.db.set_value("Custom Field", field, "search_index", value)
	frappe.clear_cache(doctype="GL Entry")
	frappe.db.updatedb("GL Entry")


def _set_on_fields(attribute: str, value: int) -> None:
	field = frappe.qb.DocType("Custom Field")
	frappe.qb.update(field).set(field[attribute], value).where(field.fieldname == FIELDNAME).where(
		(field.options == DOCUMENT_TYPE) & field.dt.isin(get_doctypes_with_dimensions())
	).run()


def _delete_fields() -> None:
	names = fields()
	if not names:
		return
	doctypes = frappe.get_all("Custom Field", {"name": ["in", names]}, pluck="dt", order_by="dt asc")
	frappe.db.delete("Property Setter", {"doc_type": ["in", doctypes], "field_name": FIELDNAME})
	frappe.db.delete("Custom Field", {"name": ["in", names]})


def _restore_budget_options() -> None:
	"""Remove our entry from the options of Budget.

	If only ERPNext's own are left, delete the property setter too.
	"""
	value = frappe.db.get_value("Property Setter", BUDGET_OPTIONS, "value")
	if value is None:
		return
	options = [option for option in value.split("\n") if option and option != DOCUMENT_TYPE]
	standard = frappe.db.get_value("DocField", {"parent": "Budget", "fieldname": "budget_against"}, "options")
	if options == [option for option in (standard or "").split("\n") if option]:
		frappe.db.delete("Property Setter", {"name": BUDGET_OPTIONS})
	else:
		frappe.db.set_value("Property Setter", BUDGET_OPTIONS, "value", "\n" + "\n".join(options))


def _add_companies(dimension: Document) -> None:
	"""Add an empty row for each company: neither mandatory nor balancing."""
	dimension.reload()
	missing = companies_without_row(dimension)
	for company in missing:
		dimension.append("dimension_defaults", {"company": company, "reference_document": DOCUMENT_TYPE})
	if missing:
		dimension.save(ignore_permissions=True)


def _forget() -> None:
	"""Clear caches of the request and of the doctypes' meta."""
	frappe.flags.accounting_dimensions = None
	frappe.flags.accounting_dimensions_details = None
	for doctype in get_doctypes_with_dimensions():
		frappe.clear_cache(doctype=doctype)
