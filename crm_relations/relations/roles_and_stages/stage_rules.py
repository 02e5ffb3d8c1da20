"""Derive the history of stages from dated roles, and the rows missing in the append-only log.

Pure Python: imports no frappe.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from crm_relations.relations.rules import RoleRow


@dataclass(frozen=True)
class StageSpell:
	"""A period in one stage; it ends when the next begins."""

	stage: str
	since: date
	#: the document that caused the stage, or that ended a further one
	document_type: str | None = None
	document_name: str | None = None


@dataclass(frozen=True)
class LogRow:
	"""A row of the log: from `position` on, the history is what this row and those after it say.

	A row without a stage says that nothing follows at this position.
	"""

	position: int
	stage: str | None
	since: date
	document_type: str | None = None
	document_name: str | None = None


def is_held(row: RoleRow, day: date) -> bool:
	"""Tell whether a role is held on a day; a role that ends on that day is not."""
	return (row.since is None or row.since <= day) and (row.until is None or row.until > day)


def history(rows: Iterable[RoleRow], order: Mapping[str, int], today: date) -> list[StageSpell]:
	"""Return the stages of a relation up to today, oldest first, each different from the one before.

	A relation is in the furthest stage it holds; if none is held, in the one that ended last. Stages that
	begin on one day are passed in order.

	:param order: stage → its position; roles that are not stages are not in it. A role without a date is
		ignored.
	"""
	dated = [(row.since, row) for row in rows if row.role in order and row.since and row.since <= today]
	days = {since for since, _row in dated} | {
		row.until for _since, row in dated if row.until and row.until <= today
	}
	result: list[StageSpell] = []
	standing: RoleRow | None = None
	for day in sorted(days):
		best = _best([(since, row) for since, row in dated if since <= day], order, day)
		if not best:
			continue
		passed = _passed([row for since, row in dated if since == day], standing, order)
		result += [StageSpell(row.role, day, row.document_type, row.document_name) for row in passed]
		standing = passed[-1] if passed else standing
		if not standing or best.role != standing.role:
			began = best.since == day and best.role not in {row.role for row in passed}
			cause = best if began or not standing else standing
			result.append(StageSpell(best.role, day, cause.document_type, cause.document_name))
		standing = best
	return result


def _best(dated: Sequence[tuple[date, RoleRow]], order: Mapping[str, int], day: date) -> RoleRow | None:
	"""Return the furthest role that is held on a day, or else the one that ended last."""
	held = [(since, row) for since, row in dated if is_held(row, day)]
	if held:
		return max(
			held, key=lambda one: (order[one[1].role], -one[0].toordinal(), one[1].document_name or "")
		)[1]
	ended = [(row.until, row) for _since, row in dated if row.until]
	return max(ended, key=lambda one: (one[0], order[one[1].role]))[1] if ended else None


def _passed(begun: Sequence[RoleRow], standing: RoleRow | None, order: Mapping[str, int]) -> list[RoleRow]:
	"""Return the further stages that began on a day, each once and in order, even if they ended on that day."""
	further = {row.role: row for row in begun if not standing or order[row.role] > order[standing.role]}
	return sorted(further.values(), key=lambda row: order[row.role])


def as_logged(log: Iterable[LogRow]) -> list[StageSpell]:
	"""Return the history from the rows of the log, read in the order in which they were written."""
	result: list[StageSpell] = []
	for row in log:
		del result[row.position :]
		if row.stage:
			result.append(StageSpell(row.stage, row.since, row.document_type, row.document_name))
	return result


def to_append(log: Iterable[LogRow], spells: Sequence[StageSpell], today: date) -> list[LogRow]:
	"""Return the rows to add so that the log contains these spells; none if it does already."""
	before = as_logged(log)
	same = 0
	for old, new in zip(before, spells, strict=False):
		if (old.stage, old.since) != (new.stage, new.since):
			break
		same += 1
	rows = [
		LogRow(place, spell.stage, spell.since, spell.document_type, spell.document_name)
		for place, spell in enumerate(spells[same:], start=same)
	]
	if not rows and same < len(before):
		rows = [LogRow(same, None, today)]
	return rows


def days_by_stage(spells: Sequence[StageSpell], today: date) -> dict[str, int]:
	"""Return stage → days spent in it, all its periods together; the present stage counts up to today."""
	result: dict[str, int] = {}
	ends = [*(spell.since for spell in spells[1:]), today]
	for spell, until in zip(spells, ends, strict=False):
		result[spell.stage] = result.get(spell.stage, 0) + (until - spell.since).days
	return result
