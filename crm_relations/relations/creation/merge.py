"""Merge two relations that turn out to be the same. The earlier one survives.

Everything that names the later one is moved: documents, links, manual roles, interactions, campaign members,
files. A unique key may prevent a move (both were members of one campaign). Such rows stay with the later
relation, which is then disabled instead of deleted: nothing that was sent or answered is lost.
"""

import frappe
from frappe import _
from frappe.model.dynamic_links import get_dynamic_links
from frappe.model.rename_doc import get_link_fields

from crm_relations.relations import queries
from crm_relations.relations.creation import numbering
from crm_relations.relations.duplicates import index, pairs
from crm_relations.relations.facts import build as facts
from crm_relations.relations.facts import queue
from crm_relations.relations.profiles import completeness
from crm_relations.relations.rules import is_same
from crm_relations.shared.refusals import filled

#: rows that belong to the relation itself are moved first and by their parent
CHILDREN = ("Relation Party", "Relation Role", "Relation Contact Point")
LINK = "Relation Link"
#: type of a further contact point → the field for the first of that type
CONTACT_FIELDS = {"Email": "email_id", "Phone": "phone", "Mobile": "mobile_no", "Website": "website"}


def merge_into(keep: str, other: str) -> None:
	"""Move everything of relation `other` to `keep` and delete it, or disable it if something must stay."""
	kept, folded = frappe.get_doc("Relation", keep, for_update=True), frappe.get_doc("Relation", other)
	_fill(kept, folded)
	_move_children(keep, other)
	_keep_contact_points(kept, folded)
	completeness.recompute([keep])
	_drop_links_between(keep, other)
	pairs.transfer(keep, other)
	facts.forget([other])  # derived data is derived again, not moved
	queue.mark(queue.RELATION, keep)
	left = _move_references(keep, other)
	_move_dynamic_links(keep, other)
	text = _("{0} ({1}) was merged into this relation.")
	kept.add_comment("Info", filled(text, folded.relation_name, other))
	kept.run_method("after_fold", other)
	frappe.clear_document_cache("Relation", keep)
	frappe.clear_document_cache("Relation", other)
	if left:
		frappe.db.set_value("Relation", other, {"disabled": 1, "stage": None, "stage_since": None})
		text = _("Merged into {0} ({1}). These documents could not be moved: {2}")
		frappe.get_doc("Relation", other).add_comment(
			"Info", filled(text, kept.relation_name, keep, ", ".join(left))
		)
	else:
		# nothing refers to it any more: `for_reload` skips the job that later deletes references to it, which
		# would matter if the merge is undone
		frappe.delete_doc("Relation", other, for_reload=True)
	index.refresh_keys([keep, other])


def _fill(kept, folded) -> None:
	"""Copy what only the later relation knew: profile, notes, contact addresses."""
	values = {}
	for docfield in kept.meta.get("fields"):
		name = docfield.fieldname
		if (
			docfield.fieldtype in frappe.model.no_value_fields
			or docfield.fieldtype in frappe.model.table_fields
		):
			continue
		if name in ("stage", "stage_since", "disabled", "completeness"):
			continue
		if folded.get(name) and not kept.get(name):
			values[name] = folded.get(name)
	if kept.notes and folded.notes and folded.notes != kept.notes:
		values["notes"] = f"{kept.notes}\n{folded.notes}"
	if values:
		frappe.db.set_value("Relation", kept.name, values)


def _move_children(keep: str, other: str) -> None:
	"""Move documents and roles; derived roles are corrected when the roles are derived again."""
	for doctype in CHILDREN:
		table = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(table).select(table.name).where(table.parent == other).orderby(table.idx)
		).run(pluck=True)
		idx = numbering.last_idx(doctype, [keep]).get(keep, 0)
		for name in rows:
			idx += 1
			frappe.db.set_value(doctype, name, {"parent": keep, "idx": idx}, update_modified=False)
	frappe.db.set_value("Relation", keep, "modified", frappe.utils.now(), update_modified=False)


def _keep_contact_points(kept, folded) -> None:
	"""Keep a different email address or number of the later relation as a further contact point."""
	idx = numbering.last_idx("Relation Contact Point", [kept.name]).get(kept.name, 0)
	for point_type, field in CONTACT_FIELDS.items():
		value = folded.get(field)
		if not value or is_same(field, value, kept.get(field)) or not kept.get(field):
			continue
		if frappe.db.exists("Relation Contact Point", {"parent": kept.name, "value": value}):
			continue
		idx += 1
		row = {"parent": kept.name, "parenttype": "Relation", "parentfield": "contact_points", "idx": idx}
		point = {"doctype": "Relation Contact Point", "point_type": point_type, "value": value, **row}
		frappe.get_doc(point).db_insert()


def _drop_links_between(keep: str, other: str) -> None:
	"""Delete links between the two, which would link the relation to itself; a link that both have stays
	once.
	"""
	mine = {(row["link_type"], row["other"], row["outgoing"]) for row in queries.links_of(keep)}
	for link in queries.links_of(other):
		if link["other"] == keep or (link["link_type"], link["other"], link["outgoing"]) in mine:
			frappe.delete_doc(LINK, link["name"], ignore_permissions=True, force=True)


def _move_references(keep: str, other: str) -> list[str]:
	"""Move every Link field to Relation on the site; return the doctypes with rows that had to stay."""
	left = []
	for docfield in get_link_fields("Relation"):
		if docfield["issingle"]:
			continue
		doctype, fieldname = docfield["parent"], docfield["fieldname"]
		try:
			names = frappe.get_all(doctype, filters={fieldname: other}, pluck="name", order_by="name asc")
		except Exception as error:
			if frappe.db.is_table_missing(error) or frappe.db.is_missing_column(error):
				continue
			raise
		for name in names:
			frappe.db.savepoint("fold_reference")
			try:
				frappe.db.set_value(doctype, name, fieldname, keep, update_modified=False)
			except Exception as error:
				if not frappe.db.is_duplicate_entry(error):
					raise
				frappe.db.rollback(save_point="fold_reference")
				left.append(doctype)
	return sorted(set(left))


def _move_dynamic_links(keep: str, other: str) -> None:
	"""Move comments, versions, emails, tasks, files: whatever refers to the relation by doctype and name."""
	for docfield in get_dynamic_links():
		meta = frappe.get_meta(docfield.parent)
		if meta.issingle or meta.is_virtual:
			continue
		table = frappe.qb.DocType(docfield.parent)
		(
			frappe.qb.update(table)
			.set(table[docfield.fieldname], keep)
			.where((table[docfield.options] == "Relation") & (table[docfield.fieldname] == other))
		).run()
	for doctype, type_field, name_field in (
		("File", "attached_to_doctype", "attached_to_name"),
		("Version", "ref_doctype", "docname"),
	):
		table = frappe.qb.DocType(doctype)
		(
			frappe.qb.update(table)
			.set(table[name_field], keep)
			.where((table[type_field] == "Relation") & (table[name_field] == other))
		).run()
