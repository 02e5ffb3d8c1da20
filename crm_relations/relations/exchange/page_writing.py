"""Write the relations of a page of rows set-based: a fixed number of queries, whatever the number of rows.

Each document passes the checks of a save one by one and in their order, so that a row is refused for the
reason for which a save would refuse it. What is written, and what follows from it (keys, duplicates, links,
versions, announcements), is what saves would write.
"""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import frappe
import redis
from frappe.desk.notifications import clear_doctype_notifications
from frappe.model.document import Document
from frappe.model.naming import make_autoname, set_new_name
from frappe.utils import cstr, now
from frappe.utils.global_search import get_formatted_value, update_global_search

from crm_relations.relations import changes
from crm_relations.relations.duplicates import index, normalization, queries, search
from crm_relations.relations.exchange.quick_checks import QuickChecks
from crm_relations.relations.exchange.stored import Stored
from crm_relations.relations.network import link_types, links
from crm_relations.relations.network.links import Pair
from crm_relations.relations.profiles import history
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.shared import document_extensions
from crm_relations.shared.text.outside_text import insert_rows

DOCTYPES = ("Relation", "Relation Contact Point", "Relation Link")
#: list in Redis from which Frappe's job takes entries of the search over all doctypes
SEARCH_QUEUE = "global_search_queue"
#: values of a row that are not written if only they change
STAMPS = ("modified", "modified_by")


def hindrance() -> str:
	"""Return what makes this site save relations document by document; empty if nothing does."""
	if found := document_extensions.find(DOCTYPES):
		return found
	if any(
		df.reqd or df.default or df.fetch_from for df in frappe.get_meta("Relation Link").get_custom_fields()
	):
		return "Custom Field: Relation Link"
	works_for = link_types.all_types().get(WORKS_FOR)
	return "" if works_for and not works_for.no_circles else "Relation Link Type"


class Page:
	"""New and changed relations of a page, checked and not yet written."""

	def __init__(self, stored: Stored) -> None:
		self.stored = stored
		self.docs: dict[str, Document] = {}
		self.new: set[str] = set()
		#: stored relations as they were before the page
		self.before: dict[str, Document] = {}
		self.versions: list[tuple] = []
		self.looked_at: dict[str, None] = {}
		self.links: dict[Pair, None] = {}
		self.quick = QuickChecks("Relation")
		#: kinds of relations already checked for whether the one may work for the other
		self.linkable: set[tuple[str, str]] = set()
		self.stamp = now()
		self.point_defaults = frappe.new_doc("Relation Contact Point", as_dict=True)

	# ── checks ─────────────────────────────────────────────────────────────────────────────────

	def check_new(self, doc: Document) -> None:
		"""Name a new relation and check it as `Document.insert` does.

		:raises frappe.ValidationError: or PermissionError: what an insert raises
		"""
		doc.set("__islocal", True)
		for row in doc.contact_points:
			row.update_if_missing(self.point_defaults)
		_stamp(doc, self.stamp)
		doc.set_docstatus()
		doc.check_permission("create")
		doc._action = "save"
		is_plain = self.quick.is_plain(doc)
		if not is_plain:
			doc._validate_links()
		_name(doc)
		doc.set_parent_in_children()
		doc.validate_higher_perm_levels()
		doc.flags.in_insert = True
		if is_plain:
			doc.validate()
		else:
			doc.run_before_save_methods()
			doc._validate()

	def check_changed(self, doc: Document) -> None:
		"""Check a change as `Document.save` does. The document comes from `Stored`.

		:raises frappe.ValidationError: or PermissionError: what a save raises
		"""
		doc.check_if_locked()
		for row in doc.contact_points:
			row.update_if_missing(self.point_defaults)
		doc.check_permission("write", "save")
		_stamp(doc, self.stamp)
		doc.set_docstatus()
		doc._action = "save"
		doc.set_parent_in_children()
		for row in doc.get_all_children():
			if not row.name:
				set_new_name(row)
		doc.validate_higher_perm_levels()
		doc._validate_links()
		doc.run_before_save_methods()
		doc._validate()

	def check_link(self, relation: Document, organisation: str, kind: str, known: bool) -> None:
		"""Check that the relation may be linked to its employer.

		:param known: the two have been linked before, perhaps by a link that has ended
		:raises frappe.ValidationError: what saving the link raises
		"""
		kinds = (relation.relation_kind, kind)
		if kinds in self.linkable and not known:
			return
		link = frappe.get_doc(
			{
				"doctype": "Relation Link",
				"relation": relation.name,
				"link_type": WORKS_FOR,
				"related_relation": organisation,
			}
		)
		links.check_offered(link)
		links.check_kinds_of(link, {"relation": relation.relation_kind, "related_relation": kind})
		if known and not links.open_without_end(relation.name, WORKS_FOR, organisation):
			links.check_twice(link)
		self.linkable.add(kinds)

	# ── what is checked is kept ────────────────────────────────────────────────────────────────

	def keep(self, doc: Document) -> None:
		"""Keep a checked document; from now on it counts as stored for the following rows."""
		before = doc.get_doc_before_save()
		if before:
			self._keep_version(before, doc)
			if doc.name not in self.new:
				self.before.setdefault(doc.name, before)
		else:
			self.new.add(doc.name)
		if search.looked_at_changed(doc):
			self.looked_at[doc.name] = None
		self.docs[doc.name] = doc
		self.stored.keep(doc)

	def link(self, relation: str, organisation: str) -> None:
		"""Keep the link of the relation to its employer; both are stored or kept."""
		self.links[relation, organisation] = None

	def _keep_version(self, before: Document, doc: Document) -> None:
		if frappe.flags.in_test or not doc.meta.track_changes:
			return  # a save stores none either
		version = frappe.new_doc("Version")
		if version.update_version_info(before, doc):
			history.take_confidential_out(version)
			name = frappe.generate_hash(length=10)
			stamps = (doc.modified_by, doc.modified_by, doc.modified, doc.modified)
			self.versions.append((name, *stamps, version.ref_doctype, version.docname, version.data))

	# ── writing ────────────────────────────────────────────────────────────────────────────────

	def write(self) -> None:
		"""Write what was kept, with all that follows from it. Does not commit."""
		rows: dict[str, list[Document]] = defaultdict(list)
		for name, doc in self.docs.items():
			if name in self.new:
				rows[doc.doctype].append(doc)
				for child in doc.get_all_children():
					rows[child.doctype].append(child)
			else:
				self._change(doc, rows)
		for doctype, documents in rows.items():
			_insert(doctype, documents)
		if self.versions:
			insert_rows("Version", history.VERSION, self.versions)
		linked = links.add_missing(WORKS_FOR, dict.fromkeys(self.links))
		records = queries.records([name for name in self.docs if name not in self.new])
		records.update(queries.records_of_new([self.docs[name] for name in self.new]))
		index.refresh_keys(self.docs, records)
		search.look_for_relations({name: records[name] for name in self.looked_at if name in records})
		changes.announce({*self.docs, *(name for pair in linked for name in pair)})
		self._tell()
		normalization.forget()

	def _change(self, doc: Document, rows: dict[str, list[Document]]) -> None:
		before = self.before[doc.name]
		frappe.db.set_value(
			doc.doctype,
			doc.name,
			{**_difference(before, doc), "modified": doc.modified, "modified_by": doc.modified_by},
		)
		held = {child.name: child for child in before.get_all_children()}
		for child in doc.get_all_children():
			stored = held.pop(child.name, None)
			if not stored:
				rows[child.doctype].append(child)
			elif _difference(stored, child):
				child.db_update()
		gone: dict[str, list[str]] = defaultdict(list)
		for child in held.values():
			gone[child.doctype].append(child.name)
		for doctype, names in gone.items():
			frappe.db.delete(doctype, {"name": ["in", names]})

	def _tell(self) -> None:
		"""Notify open lists and forms, the counts of lists, and the search over all doctypes."""
		if not self.docs:
			return
		_queue_for_search(self.docs.values())
		for name, doc in self.docs.items():
			if name not in self.new:
				doc.clear_cache()
				doc.notify_update()
		if self.new:
			message = {"doctype": "Relation", "name": min(self.new), "user": frappe.session.user}
			frappe.publish_realtime("list_update", message, after_commit=True)
		clear_doctype_notifications(doc)


def _name(doc: Document) -> None:
	"""Name a new document and its rows; random names without checking a site's naming rules."""
	rows = [doc, *doc.get_all_children()]
	if any((row.meta.autoname or "hash") != "hash" for row in rows):
		doc.set_new_name(set_child_names=True)
		return
	for row in rows:
		row.name = make_autoname("hash", row.doctype)
	doc.flags.name_set = True


def _stamp(doc: Document, stamp: str) -> None:
	doc.modified, doc.modified_by = stamp, frappe.session.user
	if not doc.creation:
		doc.creation, doc.owner = doc.modified, doc.modified_by
	for row in doc.get_all_children():
		row.modified, row.modified_by = doc.modified, doc.modified_by
		row.creation, row.owner = row.creation or doc.modified, row.owner or doc.modified_by


def _queue_for_search(docs: Collection[Document]) -> None:
	"""Do what `update_global_search` does for each, with one request for all."""
	if frappe.conf.get("disable_global_search"):
		return
	fields = [df for df in frappe.get_meta("Relation").get_global_search_fields() if df.fieldtype != "Table"]
	entries = []
	for doc in docs:
		content = [get_formatted_value(doc.get(df.fieldname), df) for df in fields if doc.get(df.fieldname)]
		for row in doc.get_all_children():
			found = row.meta.get_global_search_fields()
			content += [
				get_formatted_value(row.get(df.fieldname), df) for df in found if row.get(df.fieldname)
			]
		if content and not doc.disabled:
			entry = {
				"doctype": doc.doctype,
				"name": doc.name,
				"content": " ||| ".join(content),
				"published": 0,
				"title": cstr(doc.get_title())[: frappe.db.VARCHAR_LEN],
				"route": doc.get("route"),
			}
			entries.append(json.dumps(entry))
	if not entries:
		return
	try:
		frappe.cache.execute_command("LPUSH", frappe.cache.make_key(SEARCH_QUEUE), *entries)
	except redis.exceptions.ConnectionError:
		for doc in docs:
			update_global_search(doc)  # writes directly if there is no queue


def _difference(before: Any, after: Any) -> dict[str, Any]:
	old, new = before.get_valid_dict(ignore_virtual=True), after.get_valid_dict(ignore_virtual=True)
	return {
		field: value
		for field, value in new.items()
		if field not in STAMPS and value != old.get(field) and cstr(value) != cstr(old.get(field))
	}


def _insert(doctype: str, documents: list[Document]) -> None:
	values = [doc.get_valid_dict(convert_dates_to_str=True, ignore_virtual=True) for doc in documents]
	defaults = {df.fieldname for df in frappe.get_meta(doctype).fields if df.default}
	columns = [
		column for column in values[0] if column in defaults or any(row[column] is not None for row in values)
	]
	insert_rows(doctype, columns, [[row[column] for column in columns] for row in values])
