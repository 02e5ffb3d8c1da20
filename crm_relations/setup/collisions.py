"""Find names that the app needs and that belong to another object of the site. Writes nothing.

Before the install, whatever has one of our names is foreign, unless it carries our module because an earlier
install was interrupted. After the install, the same checks find what was added or replaced since; `relations
check` runs them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import frappe
from erpnext.accounts.doctype.accounting_dimension.accounting_dimension import get_doctypes_with_dimensions
from frappe import _

from crm_relations.ledger import dimension
from crm_relations.setup import custom_fields, indexes, shipped

#: documents of an uninstalled or foreign doctype that would act on ours: doctype, field with the doctype's
#: name
ATTACHED = (
	("Custom Field", "dt"),
	("Property Setter", "doc_type"),
	("Custom DocPerm", "parent"),
	("Client Script", "dt"),
)
_NAMED = 5


@dataclass(frozen=True)
class Collision:
	"""An object that prevents the install. `message` names it, `remedy` says what the administrator can do."""

	message: str
	remedy: str


def before_install() -> list[Collision]:
	"""Return all collisions of a site without the app, in the order in which an administrator resolves them."""
	return [
		*_module(),
		*_documents(),
		*_tables(),
		*_roles(),
		*_dimensions(),
		*_fields(),
		*_columns(),
		*_attached(),
		*_indexes(),
	]


def after_install() -> list[Collision]:
	"""Return what was added or replaced since the install."""
	return [*_documents(), *_dimensions(), *_fields(), *_own_fields_missing(), *_indexes()]


def fieldnames() -> dict[str, set[str]]:
	"""Return doctype → names of the fields that we, or the Accounting Dimension of the campaign, add to it."""
	found: dict[str, set[str]] = defaultdict(set)
	for doctype, fields in custom_fields.custom_fields().items():
		found[doctype] |= {field["fieldname"] for field in fields}
	for doctype in get_doctypes_with_dimensions():
		found[doctype].add(dimension.FIELDNAME)
	return dict(found)


def _module() -> Iterator[Collision]:
	app = frappe.db.get_value("Module Def", shipped.MODULE, "app_name")
	if app and app != shipped.APP_NAME:
		yield Collision(
			_("The module {0} belongs to the app {1}.").format(shipped.MODULE, app),
			_("Rename it in the list Module Def."),
		)


def _documents() -> Iterator[Collision]:
	"""Yield documents with one of our names: an import would overwrite them."""
	for doctype, names in shipped.records().items():
		custom = ["custom"] if doctype == "DocType" else []
		rows = frappe.get_all(
			doctype,
			filters={"name": ["in", names]},
			fields=["name", "module", *custom],
			order_by="name asc",
		)
		for row in rows:
			if row.module != shipped.MODULE or row.get("custom"):
				yield Collision(
					_("{0} {1} exists and belongs to the module {2}.").format(
						_(doctype), row.name, row.module or _("none")
					),
					_("Rename it or delete it. A deleted DocType leaves its table: see bench trim-database."),
				)


def _tables() -> Iterator[Collision]:
	"""Yield tables of deleted doctypes: their rows would become ours."""
	known = set(
		frappe.get_all("DocType", {"name": ["in", shipped.doctypes()]}, pluck="name", order_by="name asc")
	)
	tables = set(frappe.db.get_tables(cached=False))
	for doctype in shipped.doctypes():
		if doctype not in known and f"tab{doctype}" in tables:
			yield Collision(
				_("The table {0} exists without a DocType.").format(f"tab{doctype}"),
				_("Save what you need of it, and drop it: bench --site {0} trim-database").format(
					frappe.local.site
				),
			)


def _roles() -> Iterator[Collision]:
	if frappe.db.exists("Module Def", {"name": shipped.MODULE, "app_name": shipped.APP_NAME}):
		return  # an interrupted install has created them
	ours = set((frappe.db.get_default(shipped.ROLES_KEY) or "").split("\n"))
	for role in frappe.get_all("Role", {"name": ["in", shipped.ROLES]}, pluck="name", order_by="name asc"):
		if role not in ours:
			yield Collision(
				_("The role {0} exists.").format(role),
				_("Rename it: its users would get the rights of the app, and uninstalling would delete it."),
			)


def _dimensions() -> Iterator[Collision]:
	"""Yield dimensions that use one of our field names, or stand for one of our doctypes under another field
	name.
	"""
	for row in _foreign_dimensions():
		yield Collision(
			_("The Accounting Dimension {0} ({1}) uses the field {2}.").format(
				row.name, row.document_type, row.fieldname
			),
			_(
				"The app needs this name for its own field, and ERPNext cannot rename the field of a dimension. Create a new dimension, repost the vouchers with it and delete this one, or install the app on another site."
			),
		)


def _foreign_dimensions() -> list[frappe._dict]:
	return [
		row
		for row in frappe.get_all(
			"Accounting Dimension",
			or_filters={"fieldname": ["in", list(custom_fields.OPTIONS)], "name": dimension.LABEL},
			fields=["name", "fieldname", "document_type"],
			order_by="name asc",
		)
		if not (row.fieldname == dimension.FIELDNAME and row.document_type == dimension.DOCUMENT_TYPE)
	]


def _fields() -> Iterator[Collision]:
	"""Yield fields of other types or options under our names, by name of the field."""
	# reported with their dimension
	named = {(row.fieldname, row.document_type) for row in _foreign_dimensions()}
	by_name: dict[str, set[str]] = defaultdict(set)
	for doctype, fieldname, options in _foreign_fields():
		if (fieldname, options) not in named:
			by_name[fieldname].add(doctype)
	for fieldname, doctypes in sorted(by_name.items()):
		yield Collision(
			_("The field {0} exists on {1}.").format(fieldname, _shown(sorted(doctypes))),
			_("Create a field with another name, move its values there, delete it, and run: {0}").format(
				f"bench --site {frappe.local.site} trim-tables"
			),
		)


def foreign_fields() -> list[tuple[str, str]]:
	"""Return (doctype, fieldname) of fields with one of our names that are neither ours nor our dimension's."""
	return [(doctype, fieldname) for doctype, fieldname, _options in _foreign_fields()]


def _foreign_fields() -> list[tuple[str, str, str | None]]:
	wanted = fieldnames()
	names = list(custom_fields.OPTIONS)
	custom = frappe.get_all(
		"Custom Field",
		filters={"dt": ["in", list(wanted)], "fieldname": ["in", names]},
		fields=["dt as parent", "fieldname", "fieldtype", "options", "module"],
		order_by="dt asc, fieldname asc",
	)
	standard = frappe.get_all(
		"DocField",
		filters={"parent": ["in", list(wanted)], "fieldname": ["in", names]},
		fields=["parent", "fieldname", "options"],
		order_by="parent asc, fieldname asc",
	)
	return [
		*(
			(row.parent, row.fieldname, row.options)
			for row in custom
			if row.fieldname in wanted[row.parent] and not custom_fields.is_ours(row)
		),
		*(
			(row.parent, row.fieldname, row.options)
			for row in standard
			if row.fieldname in wanted[row.parent]
		),
	]


def _columns() -> Iterator[Collision]:
	"""Yield columns of deleted fields that still hold values, which would be read as relations and campaigns."""
	fields = custom_field_columns()
	for doctype, fieldname, column_type in existing_columns():
		if (doctype, fieldname) in fields or not _has_foreign_content(doctype, fieldname, column_type):
			continue
		yield Collision(
			_("The table of {0} still has values of a deleted field {1}.").format(doctype, fieldname),
			_("Save what you need of them, and run: {0}").format(
				f"bench --site {frappe.local.site} trim-tables"
			),
		)


def custom_field_columns() -> set[tuple[str, str]]:
	"""Return (doctype, fieldname) of all Custom Fields with our names, including foreign ones."""
	return {
		(row.dt, row.fieldname)
		for row in frappe.get_all(
			"Custom Field",
			{"fieldname": ["in", list(custom_fields.OPTIONS)]},
			["dt", "fieldname"],
			order_by="name asc",
		)
	}


def existing_columns() -> list[tuple[str, str, str]]:
	"""Return (doctype, fieldname, type) of the columns with our names. Frappe's functions look into all
	databases of the server.
	"""
	wanted = fieldnames()
	columns = frappe.qb.Schema("information_schema").columns
	rows = (
		frappe.qb.from_(columns)
		.select(columns.table_name, columns.column_name, columns.column_type)
		.where(columns.table_schema == frappe.conf.db_name)
		.where(columns.table_name.isin([f"tab{doctype}" for doctype in wanted]))
		.where(columns.column_name.isin(list(custom_fields.OPTIONS)))
		.orderby(columns.table_name, columns.column_name)
		.run()
	)
	found = [(table.removeprefix("tab"), column, column_type) for table, column, column_type in rows]
	return [row for row in found if row[1] in wanted[row[0]]]


def _has_foreign_content(doctype: str, fieldname: str, column_type: str) -> bool:
	"""Tell whether a column with our name holds foreign values. Ours are text and were emptied at the
	uninstall.
	"""
	if not column_type.startswith("varchar"):
		return True
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.name).where(table[fieldname] != "")
	return bool(query.limit(1).run())


def _attached() -> Iterator[Collision]:
	"""Yield permissions, fields and scripts of a deleted doctype with one of our names: they would act on
	ours.
	"""
	known = frappe.get_all("DocType", {"module": shipped.MODULE}, pluck="name", order_by="name asc")
	free = [doctype for doctype in shipped.doctypes() if doctype not in known]
	for doctype, fieldname in ATTACHED:
		if found := frappe.get_all(doctype, {fieldname: ["in", free]}, pluck="name", order_by="name asc"):
			yield Collision(
				_("{0} of a deleted DocType with one of our names: {1}").format(_(doctype), _shown(found)),
				_("Delete it in the list {0}.").format(_(doctype)),
			)
	setters = [
		row.name
		for row in frappe.get_all(
			"Property Setter",
			{"field_name": ["in", list(custom_fields.OPTIONS)], "doc_type": ["in", list(fieldnames())]},
			["name", "doc_type", "field_name"],
			order_by="name asc",
		)
		if not frappe.get_meta(row.doc_type).has_field(row.field_name)
	]
	if setters:
		yield Collision(
			_("{0} of a deleted field with one of our names: {1}").format(
				_("Property Setter"), _shown(setters)
			),
			_("Delete it in the list {0}.").format(_("Property Setter")),
		)


def _indexes() -> Iterator[Collision]:
	for doctype, name in indexes.foreign():
		yield Collision(
			_("The table of {0} has an index {1} with other columns than ours.").format(doctype, name),
			_("Rename it in the database: {0}").format(
				f"ALTER TABLE `tab{doctype}` RENAME INDEX `{name}` TO `…`"
			),
		)


def _own_fields_missing() -> Iterator[Collision]:
	"""Yield our fields that were deleted: documents no longer carry relation and campaign there."""
	taken = set(foreign_fields())
	missing = [
		f"{doctype}: {field['fieldname']}"
		for doctype, fields in custom_fields.custom_fields().items()
		for field in fields
		if (doctype, field["fieldname"]) not in taken
		and not frappe.get_meta(doctype).has_field(field["fieldname"])
	]
	if missing:
		yield Collision(
			_("Fields of the app are missing: {0}").format(_shown(missing)),
			_("Run: bench --site {0} migrate").format(frappe.local.site),
		)


def _shown(names: Iterable[str]) -> str:
	names = list(names)
	if len(names) <= _NAMED:
		return ", ".join(names)
	return _("{0} and {1} more").format(", ".join(names[:_NAMED]), len(names) - _NAMED)
