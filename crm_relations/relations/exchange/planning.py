"""Plan what becomes of a record: a new relation, a change to an existing one, nothing, or a rejection with
its reason.

Planning writes nothing: it builds the document and runs the checks that saving it would run. The preview
shows plans; the import makes the same plans and carries them out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import Any

import frappe
from frappe import _
from frappe.model import data_fieldtypes
from frappe.model.document import Document
from frappe.utils import cstr, format_date, strip_html
from rq.timeouts import JobTimeoutException

from crm_relations.relations.exchange import fields, page_writing
from crm_relations.relations.exchange.files import opt_outs, parsing
from crm_relations.relations.exchange.files.conventions import Conventions
from crm_relations.relations.exchange.files.opt_outs import Objection
from crm_relations.relations.exchange.files.parsing import Record
from crm_relations.relations.exchange.files.unreadable import Unreadable
from crm_relations.relations.exchange.matching import ROW, UID_PREFIX, Matcher, emails_of, key_of
from crm_relations.relations.exchange.page_writing import Page
from crm_relations.relations.exchange.quick_checks import QuickChecks
from crm_relations.relations.exchange.stored import Stored, copy_of, made_of
from crm_relations.relations.network import links
from crm_relations.relations.profiles import attributes
from crm_relations.relations.rules import WORKS_FOR
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.contact_keys import email_key, phone_key
from crm_relations.shared.in_lists import one_of_many
from crm_relations.shared.text.markup import plain

CREATE, UPDATE, UNCHANGED, REJECT = "create", "update", "unchanged", "reject"
FILL, OVERWRITE, LEAVE = "Fill Empty Fields", "Overwrite with the File", "Leave Unchanged"
ADDRESS = ("address_line", "pincode", "city", "country")

REFUSALS = (frappe.ValidationError, frappe.PermissionError, frappe.DuplicateEntryError, Unreadable)


@dataclass
class Plan:
	"""What becomes of a record. `details` are texts for the user."""

	record: Record
	action: str
	title: str = ""
	doc: Any = None  # a Relation to be inserted or saved
	relation: str | None = None
	reason: str = ""
	details: list[str] = field(default_factory=list)
	#: opt-outs of the old system
	objections: list[Objection] = field(default_factory=list)
	#: what the preview counts: kind of a remark and the remark
	remarks: list[tuple[str, str]] = field(default_factory=list)


class Planner:
	"""Makes and carries out plans with the permissions of the session's user."""

	def __init__(self, existing: str, conventions: Conventions | None = None, source: str = ""):
		self.existing = existing
		self.conventions = conventions or Conventions()
		self.source = source
		self.matcher = Matcher(overwrite=existing == OVERWRITE)
		self.reader = fields.Reader(self.conventions.date_order)
		self.unwritable = attributes.unreadable_fields()
		self.kinds = attributes.kinds()
		self.may_link = frappe.has_permission("Relation Link", "create")
		self.stored = Stored()
		self.quick = QuickChecks("Relation")
		#: relation → organizations that it works for or has worked for; a missing relation is unknown
		self.works: dict[str, set[str]] = {}

	def plan(self, records: Iterable[Record]) -> list[Plan]:
		"""Return plans for a page of records; nothing is written. A record may mean the relation of an
		earlier one.
		"""
		records = self.prepared(records)
		self.load(records)
		plans = []
		for record in records:
			try:
				plan = self.plan_one(record)
				self.remember(plan)
			except REFUSALS as error:
				plan = self.refused(record, error)
			self.read_objections(plan)
			plan.doc = None
			plans.append(plan)
		self.matcher.settle()
		return plans

	def prepared(self, records: Iterable[Record]) -> list[Record]:
		"""Return the records in the form in which relations are stored, so that they match."""
		records = list(records)
		for record in records:
			_take_out_markup(record)
			record.is_inferred = not record.error and self.conventions.settle(record)
		return records

	def load(self, records: Iterable[Record], lock: bool = False) -> None:
		"""Read the relations that a page of records may mean."""
		found = self.matcher.load(records)
		self.quick = QuickChecks("Relation")
		self.works = _works_for(found)
		self.stored.load(() if self.existing == LEAVE else found, lock)

	def remember(self, plan: Plan) -> None:
		"""Remember what this row would create, for later rows of the file."""
		record = plan.record
		if plan.action == CREATE:
			self.matcher.add(f"{ROW}{record.number}", plan.doc, record.points, *_beside(record))
		company = record.company if plan.action in (CREATE, UPDATE) else ""
		if company and not self.matcher.organisations(company):
			made = {"relation_name": company, "relation_kind": parsing.ORGANISATION}
			self.matcher.add(f"{ROW}{record.number}/{company}", made, ())

	def carry_out(self, records: Iterable[Record], save_point: str) -> list[Plan]:
		"""Plan and write a page of records, all at once if no extension wants to see each save. Does not
		commit.
		"""
		records = self.prepared(records)
		self.load(records, lock=True)
		plans = None if page_writing.hindrance() else self.written_at_once(records, save_point)
		if plans is None:
			plans = [self.written_alone(record, save_point) for record in records]
		self.matcher.settle()
		record_objections(plans, self.source)
		return plans

	def written_at_once(self, records: list[Record], save_point: str) -> list[Plan] | None:
		"""Plan and write a page set-based; return None if the database refused it, so that its rows are
		written one by one.
		"""
		frappe.db.savepoint(save_point)
		page = Page(self.stored)
		known = len(self.matcher.known)
		try:
			plans = [self.held(record.copy(), page) for record in records]
			page.write()
		except (frappe.QueryDeadlockError, frappe.QueryTimeoutError, JobTimeoutException):
			raise
		except Exception:
			frappe.db.rollback(save_point=save_point)
			frappe.log_error("Relation Import: a page is written row by row")
			self.matcher.forget_since(known)
			self.load(records, lock=True)
			return None
		return plans

	def held(self, record: Record, page: Page) -> Plan:
		"""Plan a record, check what it would create or change like a save, and hold it for the page."""
		try:
			plan = self.plan_one(record, check=False)
			if plan.action in (CREATE, UPDATE):
				self.hold(plan, page)
		except REFUSALS as error:
			plan = self.refused(record, error)
		self.read_objections(plan)
		return plan

	def hold(self, plan: Plan, page: Page) -> None:
		"""Hold a checked document.

		:raises frappe.ValidationError: what saving the relation, its employer or their link raises
		"""
		doc, made = plan.doc, None
		if plan.action == CREATE:
			page.check_new(doc)
		else:
			page.check_changed(doc)
		organisation = None
		if company := plan.record.company:
			organisation = next(iter(self.matcher.organisations(company)), None)
			if not organisation and (doc.relation_kind, key_of(doc.relation_name)) == (
				parsing.ORGANISATION,
				key_of(company),
			):
				organisation = doc.name
			if not organisation:
				made = self.new_organisation(company)
				page.check_new(made)
				organisation = made.name
		if organisation and organisation != doc.name:
			known = organisation in self.works.get(doc.name, ())
			page.check_link(doc, organisation, parsing.ORGANISATION, known)
			page.link(doc.name, organisation)
			self.works.setdefault(doc.name, set()).add(organisation)
		page.keep(doc)
		self.added(plan)
		if made:
			page.keep(made)
			self.matcher.add(made.name, made, ())

	def written_alone(self, record: Record, save_point: str) -> Plan:
		"""Plan and write a record by saving its documents, in its own savepoint."""
		frappe.db.savepoint(save_point)
		known = len(self.matcher.known)
		try:
			plan = self.plan_one(record)
			self.write(plan)
		except REFUSALS as error:
			frappe.db.rollback(save_point=save_point)
			self.matcher.forget_since(known)
			plan = self.refused(record, error)
		self.read_objections(plan)
		return plan

	def read_objections(self, plan: Plan) -> None:
		"""Return opt-outs of the row. They hold for its addresses even if the row itself is rejected."""
		record = plan.record
		for objection in opt_outs.read(record.marks, self.reader.past_date):
			relation = plan.relation if plan.relation and not plan.relation.startswith(ROW) else None
			found = objection.of(relation, record.values, record.points)
			if not (found.addresses or plan.action != REJECT):
				continue
			plan.objections.append(found)
			plan.details.append(_in_words(found))

	def refused(self, record: Record, error: Exception) -> Plan:
		"""Return the rejection of a record, with the reason in the user's language."""
		frappe.clear_messages()
		reason = error.message(_) if isinstance(error, Unreadable) else unescape(strip_html(str(error)))
		title = parsing.name_of(record.values, record.company)[0]
		return Plan(record, REJECT, title, reason=reason or _("You may not write this relation."))

	def plan_one(self, record: Record, check: bool = True) -> Plan:
		"""Plan a record.

		:param check: run the checks of a save; otherwise the code that writes the plan runs them
		:raises Unreadable: or one of the errors that saving the relation would raise
		"""
		if record.error:
			raise record.error
		values, details = self.reader.values(record)
		if record.is_inferred:
			details.insert(0, _("Read as a person by the name: {0}").format(_parts_of(record)))
		for name in self.unwritable & values.keys():
			del values[name]
			details.append(
				_("{0} is confidential and is left out: you may not write it.").format(
					self.reader.label(name)
				)
			)
		name, kind = self.name_of(record, values)
		values.update({"relation_name": name, "relation_kind": kind})
		if name == record.company:
			record.values["relation_name"], record.company = name, ""
		self.leave_other_kind(record, values, kind, details)
		found = self.matcher.find(record, name, kind)
		plan = Plan(record, CREATE, name, details=details)
		self.choose_company(record, found, details)
		plan.remarks = [(fields.remark_kind(detail), detail) for detail in details]
		if found:
			self.plan_update(plan, found, values)
		else:
			self.plan_create(plan, values)
		if plan.action in (CREATE, UPDATE):
			self.describe_company(plan)
			if check:
				self.check(plan.doc)
		if record.dropped:
			plan.details.append(_("Not copied: {0}").format(", ".join(record.dropped)))
		return plan

	def check(self, doc: Document) -> None:
		"""Run the checks of a save.

		:raises frappe.ValidationError: what saving the relation would raise
		"""
		if doc.is_new() and self.quick.is_plain(doc):
			doc._action = "save"
			doc.validate()
		else:
			_check(doc)

	def name_of(self, record: Record, values: dict[str, Any]) -> tuple[str, str]:
		"""Return name and kind of a record. One without a name may be identified by its email address.

		:raises Unreadable: no name
		"""
		name, kind = parsing.name_of(values, record.company)
		if name.strip():
			return name, kind
		owners = self.matcher.owners(emails_of(record))
		if len(owners) == 1:
			known = self.matcher.known[next(iter(owners))]
			return known.title, known.kind
		raise Unreadable(parsing._("Name: the row has none. Give it a name, or a first and last name."))

	def leave_other_kind(self, record: Record, values: dict[str, Any], kind: str, details: list[str]) -> None:
		"""Move values of the other kind into the notes: a person has no market orientation."""
		for name, needed in self.kinds.items():
			if values.get(name) and needed != kind:
				text = cstr(values.pop(name))
				record.left.append((self.reader.label(name), text))
				details.append(_("{0} goes into the notes: {1}").format(self.reader.label(name), text))

	def choose_company(self, record: Record, found: str | None, details: list[str]) -> None:
		"""Choose the company; if several have the same name none is guessed, and no further one is created."""
		if not record.company:
			return
		options = self.matcher.organisations(record.company)
		if self.may_link and len(options) < 2:
			return
		if not self.may_link or not self.works_for(found, options):
			record.left.append((_("Company"), record.company))
		if self.may_link and not self.works_for(found, options):
			detail = _("Several organizations have this name, none is linked: {0} ({1})")
			details.append(detail.format(record.company, self.matcher.listed(options)))
		record.company = ""

	def works_for(self, relation: str | None, organisations: Iterable[str]) -> bool:
		"""Tell whether the relation is known to work for one of them."""
		if not relation or relation.startswith(ROW):
			return False
		if relation not in self.works:
			self.works.update(_works_for([relation]))
		return not self.works[relation].isdisjoint(organisations)

	def plan_create(self, plan: Plan, values: dict[str, Any]) -> None:
		frappe.has_permission("Relation", "create", throw=True)
		plan.doc = self.new_relation()
		plan.doc.update(values)
		if cstr(plan.doc.uid).startswith(UID_PREFIX):
			plan.doc.uid = None  # of a relation that no longer exists, or of another site
		_add_points(plan.doc, plan.record.points)
		_add_notes(plan.doc, plan.record.left)

	def plan_update(self, plan: Plan, found: str, values: dict[str, Any]) -> None:
		plan.relation = found
		if found.startswith(ROW):
			plan.action = UPDATE
			row = found.removeprefix(ROW).partition("/")[0]
			plan.details.insert(0, _("The same relation as row {0}").format(row))
			plan.doc = self.new_relation()
			plan.doc.update(values)
			_add_points(plan.doc, plan.record.points)
			return
		if self.existing == LEAVE:
			plan.action = UNCHANGED
			return
		doc = self.stored.document(found)
		if not doc.has_permission("write"):
			raise Unreadable(
				parsing._("The row belongs to a relation that is there and that you may not change.")
			)
		before = _state(doc)
		_take_over(doc, values, self.existing == OVERWRITE, plan.details, self.reader.label)
		_add_points(doc, plan.record.points)
		_add_notes(doc, plan.record.left)
		after = _state(doc)
		changed = [self.reader.label(name) for name in after if after[name] != before[name]]
		plan.doc = doc
		plan.action = UPDATE if changed or self.new_employer(plan) else UNCHANGED
		if changed:
			plan.details.insert(0, _("Changes: {0}").format(", ".join(changed)))

	def new_relation(self) -> Document:
		"""Return an empty relation."""
		return copy_of(self.empty)

	@cached_property
	def empty(self) -> Document:
		"""Return a relation about which nothing is known."""
		return made_of(_empty_values())

	def new_employer(self, plan: Plan) -> bool:
		"""Tell whether the record names a company that the relation is not known to work for."""
		if not plan.record.company:
			return False
		options = self.matcher.organisations(plan.record.company)
		return not options or not self.works_for(plan.relation, options)

	def describe_company(self, plan: Plan) -> None:
		if not (company := plan.record.company):
			return
		if self.matcher.organisations(company):
			plan.details.append(_("Works for {0}").format(company))
		else:
			plan.details.append(_("Works for {0}, which is made").format(company))

	def write(self, plan: Plan) -> None:
		"""Carry out a plan with the user's permissions.

		:raises frappe.ValidationError: what saving raises
		"""
		if plan.action not in (CREATE, UPDATE):
			return
		if plan.action == CREATE:
			trusted(plan.doc).insert()  # the file may contain the identifier of a contact
		else:
			trusted(plan.doc).save()
		self.stored.forget(plan.doc.name)
		self.added(plan)
		if plan.record.company:
			organisation = self.organisation(plan.record.company)
			if organisation != plan.relation:
				links.link(plan.relation, WORKS_FOR, organisation)
				self.works.setdefault(plan.relation, set()).add(organisation)

	def added(self, plan: Plan) -> None:
		"""Register the relation that this row has created or changed: later rows may mean it."""
		plan.relation = plan.doc.name
		points = [(row.point_type, row.value, row.label) for row in plan.doc.contact_points]
		self.matcher.add(plan.relation, plan.doc, points, *_beside(plan.record))

	def new_organisation(self, name: str) -> Document:
		"""Return a document of an organization that is not known."""
		made = self.new_relation()
		made.update({"relation_name": name, "relation_kind": parsing.ORGANISATION})
		return made

	def organisation(self, name: str) -> str:
		"""Return the organization of that name; create it if there is none."""
		if options := self.matcher.organisations(name):
			return next(iter(options))
		made = self.new_organisation(name)
		made.insert()
		self.matcher.add(made.name, made, ())
		return made.name


def _empty_values() -> dict[str, Any]:
	"""Return the values of an empty relation: Frappe fills in the country, language or territory of the site
	or the user.

	An empty text, unlike None, is kept when the document is inserted.
	"""
	values = frappe.new_doc("Relation", as_dict=True)
	for df in frappe.get_meta("Relation").fields:
		if df.fieldtype in data_fieldtypes and isinstance(values.get(df.fieldname), str):
			values[df.fieldname] = ""
	return values


def _works_for(relations: Iterable[str]) -> dict[str, set[str]]:
	"""Return relation → organizations that it works for or has worked for; one query."""
	result: dict[str, set[str]] = {name: set() for name in relations}
	if not result:
		return result
	table = frappe.qb.DocType("Relation Link")
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.related_relation)
		.where((table.link_type == WORKS_FOR) & one_of_many(table.relation, list(result)))
	).run()
	for relation, organisation in rows:
		result[relation].add(organisation)
	return result


def record_objections(plans: Iterable[Plan], source: str) -> None:
	"""Pass the opt-outs of the rows to the packages that record objections."""
	found = [objection for plan in plans for objection in plan.objections]
	if found:
		for path in frappe.get_hooks(opt_outs.HOOK):
			frappe.get_attr(path)(found, source)


def _beside(record: Record) -> tuple[list[str], str]:
	"""Return employer and birthday of a row: they distinguish namesakes but are not values of the relation
	for every user.
	"""
	return [record.company] if record.company else [], record.values.get("date_of_birth", "")


def _take_out_markup(record: Record) -> None:
	"""Remove markup like a save; email addresses keep their angle brackets until they are read."""
	record.values = {
		name: text if name == "email_id" else plain(text) for name, text in record.values.items()
	}
	record.company = plain(record.company)
	record.left = [(plain(heading), plain(text)) for heading, text in record.left]
	record.points = [
		(kind, text if kind == parsing.EMAIL else plain(text), plain(label))
		for kind, text, label in record.points
	]


def _parts_of(record: Record) -> str:
	return " / ".join(filter(None, map(record.values.get, ("first_name", "last_name"))))


def _in_words(objection: Objection) -> str:
	"""Return the text of the preview for an opt-out."""
	if objection.channel == opt_outs.DEAD:
		return _("Emails to the address are undeliverable ({0})").format(objection.source)
	if objection.on:
		return _("Objection to {0} of {1} ({2})").format(
			_(objection.channel), format_date(objection.on), objection.source
		)
	return _("Objection to {0} ({1})").format(_(objection.channel), objection.source)


def _check(doc: Document) -> None:
	"""Run the checks of a save without saving: links, our own checks, lengths, numbers, email addresses."""
	if not doc.is_new() and not doc.get_doc_before_save():
		doc.load_doc_before_save()
	for row in doc.contact_points:
		row.parent = row.parent or "new"  # an insert would have named the relation by now
	doc._action = "save"
	doc._validate_links()
	doc.run_method("validate")
	doc._validate()


def _state(doc: Document) -> dict[str, Any]:
	values = {df.fieldname: cstr(doc.get(df.fieldname)) for df in fields.writable()}
	points = sorted((row.point_type, row.value) for row in doc.contact_points)
	return {**values, "contact_points": points}


def _take_over(
	doc: Document, values: dict[str, Any], overwrite: bool, details: list[str], label: Callable[[str], str]
) -> None:
	"""Fill empty fields; different values overwrite, or become further numbers and addresses."""
	address = {name: values.pop(name) for name in ADDRESS if name in values}
	_take_address(doc, address, overwrite)
	for name, value in values.items():
		held = doc.get(name)
		if _same(name, held, value) or name == "relation_kind":
			continue
		if name == "uid":
			doc.uid = held or (None if str(value).startswith(UID_PREFIX) else value)
		elif name == "notes":
			_add_text(doc, value)
		elif not held:
			doc.set(name, value)
		elif kind := next((k for k, main in parsing.MAIN_FIELDS.items() if main == name), None):
			if overwrite:
				doc.set(name, value)
			_add_points(doc, [(kind, held if overwrite else value, "")])
		elif overwrite:
			doc.set(name, value)
		else:
			details.append(_("{0} stays {1}; the file says {2}").format(label(name), held, value))


def _take_address(doc: Document, address: dict[str, Any], overwrite: bool) -> None:
	"""Update an address as a whole: a street is never combined with another town."""
	if not address or all(_same(name, doc.get(name), value) for name, value in address.items()):
		return
	contradicts = any(doc.get(n) and not _same(n, doc.get(n), value) for n, value in address.items())
	if not contradicts:
		doc.update({name: value for name, value in address.items() if not doc.get(name)})
		return
	if overwrite:
		held = _one_line({name: doc.get(name) for name in ADDRESS})
		doc.update({name: address.get(name) for name in ADDRESS})
		_add_points(doc, [(parsing.ADDRESS, held, "")])
	else:
		_add_points(doc, [(parsing.ADDRESS, _one_line(address), "")])


def _one_line(address: dict[str, Any]) -> str:
	place = " ".join(filter(None, (address.get("pincode"), address.get("city"))))
	return ", ".join(filter(None, (address.get("address_line"), place, address.get("country"))))


def _same(name: str, held: Any, value: Any) -> bool:
	if not held and not value:
		return True
	if name == "email_id":
		return email_key(held) == email_key(value)
	if name in ("phone", "mobile_no"):
		return cstr(held) == cstr(value) or (bool(phone_key(held)) and phone_key(held) == phone_key(value))
	if isinstance(value, int | float) and not isinstance(held, str):
		return float(held or 0) == float(value)
	return cstr(held).strip() == cstr(value).strip()


def _add_points(doc: Document, points: Iterable[tuple[str, str, str]]) -> None:
	"""Add further contact points that the relation does not have yet, in any spelling."""
	for kind, value, label in points:
		main = parsing.MAIN_FIELDS.get(kind)
		held = [row.value for row in doc.contact_points if row.point_type == kind]
		if main:
			held.append(doc.get(main))
		if value and not any(one and _same(main or kind, one, value) for one in held):
			doc.append("contact_points", {"point_type": kind, "value": value, "label": label})


def _add_notes(doc: Document, left: Iterable[tuple[str, str]]) -> None:
	"""Add to the notes.

	:raises Unreadable: more than the notes hold
	"""
	for heading, text in left:
		_add_text(doc, f"{heading}: {text}")
	if len(cstr(doc.notes).encode()) > fields.MAX_NOTES:
		raise Unreadable(parsing._("The notes are longer than {0} bytes. Shorten them."), fields.MAX_NOTES)


def _add_text(doc: Document, text: str) -> None:
	"""Add a text once: a repeated import adds nothing."""
	text = cstr(text).strip()
	if text and text not in cstr(doc.notes):
		doc.notes = f"{doc.notes}\n{text}" if doc.notes else text


def counts(plans: Iterable[Plan]) -> dict[str, int]:
	"""Return how many plans there are of each action."""
	result = dict.fromkeys((CREATE, UPDATE, UNCHANGED, REJECT), 0)
	for plan in plans:
		result[plan.action] += 1
	return result
