"""Maintain the stage of a relation and its history. Writes stage and stage_since of Relation.

Sole writer of the append-only `Relation Stage Log`. The log is written in the transaction that changes the
roles. Later corrections (a document is cancelled or backdated) are added; no row is changed or deleted while
its relation exists.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import frappe
from frappe.model.document import Document
from frappe.utils import getdate, now, nowdate

from crm_relations.relations import changes, queries
from crm_relations.relations.roles_and_stages import stage_rules as rules
from crm_relations.relations.roles_and_stages.stage_rules import LogRow, StageSpell
from crm_relations.relations.rules import RoleRow

LOG = "Relation Stage Log"
CHUNK = 2000

LOG_FIELDS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"relation",
	"position",
	"stage",
	"since",
	"document_type",
	"document_name",
)


def write(rows: Mapping[str, Iterable[RoleRow]], changed: Mapping[str, Collection[str]]) -> None:
	"""Write the stages that follow from the roles, and add what is missing to the log.

	A relation with changed rows counts as modified, so that an open form does not overwrite them.

	:param rows: relation → all its roles as they are now
	:param changed: relation → roles with rows that were written
	"""
	order, today = queries.stage_order(), getdate(nowdate())
	held = _held(rows)
	values: dict[str, dict[str, Any]] = {}
	to_tell: dict[str, list[StageSpell]] = {}
	for name, roles in rows.items():
		spells = rules.history(roles, order, today)
		stage, since = _last(spells)
		moved = held.get(name) != (stage, since)
		if moved or changed.get(name):
			values[name] = {"stage": stage, "stage_since": since}
		if moved or any(role in order for role in changed.get(name, ())):
			to_tell[name] = spells
	frappe.db.bulk_update("Relation", values)
	for name in values:
		frappe.clear_document_cache("Relation", name)
	changes.announce(values)
	_tell(to_tell, today)


def set_on(doc: Document, rows: Iterable[RoleRow]) -> None:
	"""Set the stage of a relation that is about to be saved: users do not enter it."""
	rows = list(rows)
	spells = rules.history(rows, queries.stage_order(), getdate(nowdate())) if rows else []
	doc.stage, doc.stage_since = _last(spells)


def record(relation: str, rows: Iterable[RoleRow]) -> None:
	"""Add to the log what follows from manual roles that were saved with the form."""
	today = getdate(nowdate())
	_tell({relation: rules.history(rows, queries.stage_order(), today)}, today)


def fill() -> int:
	"""Write the log of all relations that have roles and no log yet; return how many rows were added.

	Commits after each chunk, may be killed and run again.
	"""
	order, today = queries.stage_order(), getdate(nowdate())
	added, after = 0, ""
	while names := queries.names_after("Relation", after, CHUNK):
		after = names[-1]
		found = {name: rules.history(rows, order, today) for name, rows in queries.role_rows(names).items()}
		added += _tell({name: spells for name, spells in found.items() if spells}, today)
		frappe.db.commit()
	return added


def follow_rename(doctype: str, old: str, new: str) -> None:
	"""Update the name of a renamed party document that caused a stage."""
	if relation := queries.relation_of(doctype, new):
		frappe.db.set_value(
			LOG,
			{"relation": relation, "document_type": doctype, "document_name": old},
			"document_name",
			new,
			update_modified=False,
		)


def forget(relation: str) -> None:
	"""Delete the log of a deleted relation."""
	frappe.db.delete(LOG, {"relation": relation})


def way(relation: str) -> list[dict[str, Any]]:
	"""Return the stages of a relation, oldest first: stage, since, until, days, document_type, document_name.

	`until` is empty for the present stage; its days count up to today.
	"""
	today = getdate(nowdate())
	spells = rules.as_logged(_log([relation])[relation])
	ends = [*(spell.since for spell in spells[1:]), None]
	return [
		{
			"stage": spell.stage,
			"since": spell.since,
			"until": until,
			"days": ((until or today) - spell.since).days,
			"document_type": spell.document_type,
			"document_name": spell.document_name,
		}
		for spell, until in zip(spells, ends, strict=False)
	]


def days(relation: str) -> dict[str, int]:
	"""Return stage → days spent in it up to today, all its periods together."""
	return rules.days_by_stage(rules.as_logged(_log([relation])[relation]), getdate(nowdate()))


def _last(spells: list[StageSpell]) -> tuple[str | None, date | None]:
	return (spells[-1].stage, spells[-1].since) if spells else (None, None)


def _held(names: Iterable[str]) -> dict[str, tuple[str | None, date | None]]:
	table = frappe.qb.DocType("Relation")
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.stage, table.stage_since)
		.where(table.name.isin(list(names)))
	).run()
	return {name: (stage or None, since) for name, stage, since in rows}


def _log(relations: Iterable[str]) -> dict[str, list[LogRow]]:
	"""Return relation → rows of its log, in the order in which they were written."""
	relations = list(relations)
	result: dict[str, list[LogRow]] = {name: [] for name in relations}
	table = frappe.qb.DocType(LOG)
	rows = (
		frappe.qb.from_(table)
		.select(
			table.relation,
			table.position,
			table.stage,
			table.since,
			table.document_type,
			table.document_name,
		)
		.where(table.relation.isin(relations))
		.orderby(table.creation)
		.orderby(table.position)
		.orderby(table.name)
	).run()
	for relation, position, stage, since, document_type, document_name in rows:
		result[relation].append(LogRow(position, stage or None, since, document_type, document_name))
	return result


def _tell(histories: Mapping[str, list[StageSpell]], today: date) -> int:
	"""Add the rows that the log lacks for these histories; one read and at most one write."""
	if not histories:
		return 0
	log = _log(histories)
	stamp, user = now(), frappe.session.user
	head = (user, user, stamp, stamp)
	rows = [
		(
			frappe.generate_hash(length=10),
			*head,
			relation,
			row.position,
			row.stage,
			row.since,
			row.document_type,
			row.document_name,
		)
		for relation, spells in histories.items()
		for row in rules.to_append(log[relation], spells, today)
	]
	if rows:
		frappe.db.bulk_insert(LOG, list(LOG_FIELDS), rows)
	return len(rows)
