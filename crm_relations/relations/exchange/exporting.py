"""Export relations into a file: what the session's user may read, with a log of the exports.

Sole writer of `Relation Export`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import frappe
from frappe import _
from frappe.utils import add_days, now, now_datetime, nowdate
from markupsafe import Markup

from crm_relations.relations.exchange import fields
from crm_relations.relations.exchange.files import parsing, vcards
from crm_relations.relations.exchange.matching import uid_of
from crm_relations.relations.network.links import open_links
from crm_relations.relations.profiles import attributes
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.shared.access.permissions import readable
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.refusals import filled, refuse

DOCTYPE = "Relation Export"
CSV, VCARD_3, VCARD_4 = "csv", "vCard 3.0", "vCard 4.0"
FORMATS = (CSV, VCARD_3, VCARD_4)
PAGE = 500
#: up to this many are exported while the user waits; more, in a job
AT_ONCE = 500
#: a further column: names of a page of relations → name → text
Further = Callable[[list[str]], dict[str, str]]
#: days after which the file is deleted; the entry in the log stays
KEPT_DAYS = 7


def start(file_format: str, filters: list | dict | None, names: list[str] | None) -> dict[str, Any]:
	"""Export at once, or in a job if there are many.

	:param names: these relations only; otherwise those that match the filters
	:return: `file_url` or None, `rows`, and a `message` for the user
	"""
	if file_format not in FORMATS:
		refuse(_("Format: {0} is unknown. Choose one of: {1}"), file_format, ", ".join(FORMATS))
	conditions = _filters(filters, names)
	found = len(frappe.get_list("Relation", filters=conditions, limit=AT_ONCE + 1, order_by="name asc"))
	if found <= AT_ONCE:
		log = export(file_format, conditions)
		return {
			"file_url": log.file_url,
			"rows": log.rows,
			"message": _("{0} relations exported.").format(log.rows),
		}
	frappe.enqueue(
		export_job, queue="long", timeout=60 * 60, file_format=file_format, conditions=json.dumps(conditions)
	)
	return {
		"file_url": None,
		"rows": 0,
		"message": _("The export has been started. You will be notified when it is done."),
	}


def _filters(filters: list | dict | None, names: list[str] | None) -> list:
	if names:
		return [["Relation", "name", "in", names]]
	if isinstance(filters, dict):
		filters = [
			["Relation", key, *(value if isinstance(value, list | tuple) else ("=", value))]
			for key, value in filters.items()
		]
	conditions = [list(condition)[:4] for condition in filters or []]
	hidden = attributes.unreadable_fields()
	for condition in conditions:
		asked = condition[1] if len(condition) == 4 else condition[0]
		# Frappe also accepts a field in a function, or with its table
		if named := sorted(hidden.intersection(re.findall(r"\w+", str(asked)))):
			refuse(
				_("{0} is confidential: you need the role Relation Confidential to ask for it."),
				_(frappe.get_meta("Relation").get_label(named[0])),
				exception=frappe.PermissionError,
			)
	return conditions


def export_job(file_format: str, conditions: str) -> None:
	"""Run the queued export; the user finds the file in the log."""
	log = export(file_format, json.loads(conditions))
	frappe.db.commit()
	message = filled(
		_("{0} relations exported: {1}"), log.rows, Markup(frappe.utils.get_link_to_form(DOCTYPE, log.name))
	)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=frappe.session.user)


def export(file_format: str, conditions: list) -> Any:
	"""Write the file and its entry in the log; return the entry."""
	shown = _exported_fields()
	relations = _Counted(_relations(conditions, shown))
	if file_format == CSV:
		content, suffix = _table(relations, shown), "csv"
	else:
		content, suffix = vcards.write(relations, file_format.removeprefix("vCard ")), "vcf"
	fieldnames = [df.fieldname for df in shown]
	return keep(file_format, conditions, content, suffix, relations.rows, fieldnames)


def export_pages(
	pages: Iterable[list[str]], said: Any, further: dict[str, Further], more: Sequence[str] = ()
) -> Any:
	"""Write relations as csv, page by page, with further columns, and the entry in the log; return the entry.

	:param pages: names of relations; those that the session's user may not read are left out
	:param said: description of these relations, for the log
	:param further: heading → function of a page's names that returns name → value
	:param more: names of the further columns, for the log
	"""
	shown = _exported_fields()
	relations = _Counted(
		relation
		for page in pages
		for relation in _relations([["Relation", "name", "in", page]], shown, further)
	)
	content = _table(relations, shown, tuple(further))
	return keep(CSV, said, content, "csv", relations.rows, [*(df.fieldname for df in shown), *more])


class _Counted:
	"""Counts what passes through."""

	def __init__(self, relations: Iterable[dict[str, Any]]):
		self.relations, self.rows = relations, 0

	def __iter__(self) -> Iterator[dict[str, Any]]:
		for relation in self.relations:
			self.rows += 1
			yield relation


def keep(
	file_format: str, said: Any, content: bytes, suffix: str, rows: int, fieldnames: Iterable[str]
) -> Any:
	"""Store the file and record the user in the log; return the entry."""
	log = trusted(
		frappe.get_doc(
			{
				"doctype": DOCTYPE,
				"exported_by": frappe.session.user,
				"exported_at": now(),
				"file_format": file_format,
				"rows": rows,
				"filters": json.dumps(said, ensure_ascii=False, default=str),
				"exported_fields": ", ".join(fieldnames),
			}
		)
	).insert(ignore_permissions=True)
	file = frappe.get_doc(
		{
			"doctype": "File",
			"file_name": f"relations-{now_datetime():%Y%m%d-%H%M%S}-{log.name}.{suffix}",
			"attached_to_doctype": DOCTYPE,
			"attached_to_name": log.name,
			"is_private": 1,
			"content": content,
		}
	).insert(ignore_permissions=True)
	log.db_set("file_url", file.file_url)
	return log


def _exported_fields() -> list[Any]:
	"""Return docfields that the session's user may read, UID first."""
	hidden = attributes.unreadable_fields()
	found = [df for df in fields.writable() if df.fieldname not in hidden]
	return sorted(found, key=lambda df: df.fieldname != "uid")


def _relations(
	conditions: list, shown: list[Any], further: dict[str, Further] | None = None
) -> Iterator[dict[str, Any]]:
	"""Yield values by field with `company` and `points`, page by page, with Frappe's own permissions for
	lists.
	"""
	names = [df.fieldname for df in shown]
	after = ""
	while True:
		page = frappe.get_list(
			"Relation",
			filters=[*conditions, ["Relation", "name", ">", after]],
			fields=["name", *names],
			order_by="name asc",
			limit=PAGE,
		)
		if not page:
			return
		after = page[-1]["name"]
		found = [row["name"] for row in page]
		points, companies = _points(found), _companies(found)
		beside = {heading: values(found) for heading, values in (further or {}).items()}
		for row in page:
			yield {
				**row,
				"uid": uid_of(row),
				"points": points.get(row["name"], []),
				"company": companies.get(row["name"], ""),
				"beside": [values.get(row["name"], "") for values in beside.values()],
			}


def _points(relations: list[str]) -> dict[str, list[tuple[str, str, str]]]:
	point = frappe.qb.DocType("Relation Contact Point")
	result = defaultdict(list)
	for parent, *values in (
		frappe.qb.from_(point)
		.select(point.parent, point.point_type, point.value, point.label)
		.where(point.parent.isin(relations) & (point.parenttype == "Relation"))
		.orderby(point.parent)
		.orderby(point.idx)
	).run():
		result[parent].append(tuple(value or "" for value in values))
	return result


def _companies(relations: list[str]) -> dict[str, str]:
	"""Return relation → the name of the organization that it works for, if the user may read that; the oldest
	link.
	"""
	relation, link = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Link")
	query = readable(frappe.qb.from_(relation), "Relation")
	if query is None:
		return {}
	rows = (
		query.join(link)
		.on(link.related_relation == relation.name)
		.select(link.relation, relation.relation_name)
		.where((link.link_type == WORKS_FOR) & link.relation.isin(relations))
		.where(open_links(link))
		.orderby(link.since)
		.orderby(link.creation)
	).run()
	result: dict[str, str] = {}
	for name, company in rows:
		result.setdefault(name, company)
	return result


def _table(relations: Iterable[dict[str, Any]], shown: list[Any], headings: Iterable[str] = ()) -> bytes:
	"""Return headings and values in words, so that the file can be read back: options by their text."""
	titles = {row.name: row.option_value for row in _options()}
	extra = list(fields.EXTRA)

	def rows() -> Iterator[list[str]]:
		for relation in relations:
			by_kind = defaultdict(list)
			for kind, value, label in relation["points"]:
				by_kind[kind].append(parsing.labelled(value, label))
			further = [
				relation["company"]
				if name == parsing.COMPANY
				else parsing.SEPARATOR.join(by_kind[parsing.FURTHER[name]])
				for name in extra
			]
			yield [
				*(
					titles.get(relation[df.fieldname]) or fields.in_words(df, relation[df.fieldname])
					for df in shown
				),
				*further,
				*relation["beside"],
			]

	heading = [*(_(df.label) for df in shown), *(_(fields.EXTRA[name]) for name in extra), *headings]
	return parsing.write_table(heading, rows())


def _options() -> list[Any]:
	return frappe.get_all(fields.OPTION, fields=["name", "option_value"], order_by="name asc")


def delete_old_files() -> None:
	"""Delete exported files older than a week; the log stays."""
	before = add_days(nowdate(), -KEPT_DAYS)
	for name in frappe.get_all(
		"File",
		filters={"attached_to_doctype": DOCTYPE, "creation": ["<", before]},
		pluck="name",
		order_by="creation asc",
	):
		frappe.delete_doc("File", name, ignore_permissions=True)
