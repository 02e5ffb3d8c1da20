"""Start the activities of a role type's playbook when a relation enters the role.

Sole writer of `Relation Started Activity`, the record of what has started. In the transaction in which the
role is entered, a row is planned for each activity: one insert, and nothing if the role has no activities. A
job after the commit creates the task itself, or the hourly job if that one was lost. A unique key over
relation, activity and occasion ensures that nothing starts twice.

Only roles entered from now on start anything: not the adoption of old documents, not an import, and not a
role that began long ago.
"""

from collections.abc import Collection, Mapping
from datetime import date
from time import monotonic
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder.functions import Count, Min
from frappe.utils import add_days, cint, cstr, formatdate, getdate, now, now_datetime, nowdate
from rq.timeouts import JobTimeoutException

from crm_relations.relations import queries
from crm_relations.relations.roles_and_stages.stage_rules import is_held
from crm_relations.relations.rules import RoleRow
from crm_relations.shared import tasks
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable
from crm_relations.shared.text.outside_text import insert_rows, plain_values
from crm_relations.shared.text.sandbox import TemplateError, check_line, render_line

STARTED = "Relation Started Activity"
ACTIVITY = "Relation Role Activity"
PLANNED_STATE, STARTED_STATE, DROPPED_STATE = "Planned", "Started", "Dropped"

#: a role that began longer ago is not entered now, no matter when we learn of it
DAYS_OF_ENTERING = 30
#: the daily job may fail for this many days without missing an activity
PAST_DAYS = 7
PAGE = 100
#: a job of the default queue may take 300
SECONDS = 200

MERGE_FIELDS = (
	"relation_name",
	"salutation",
	"first_name",
	"last_name",
	"city",
	"role",
	"since",
	"document_type",
	"document_name",
)

ROW_FIELDS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"start_key",
	"relation",
	"role_type",
	"activity",
	"occasion",
	"entered_on",
	"state",
)


# ── entering a role ────────────────────────────────────────────────────────────────────────────


def enter(entered: Mapping[tuple[str, str], RoleRow]) -> None:
	"""Plan the activities of entered roles.

	:param entered: (relation, role) → the row of the role
	"""
	if not entered or is_bulk_load():
		return
	books = _playbooks()
	entered = _entered_now({key: row for key, row in entered.items() if books.get(key[1])})
	if _plan(entered, books):
		frappe.enqueue(
			start_planned,
			queue="default",
			job_id="crm_relations_playbook",
			deduplicate=True,
			enqueue_after_commit=True,
		)


def is_bulk_load() -> bool:
	"""Tell whether documents come from an import, a patch or an installation: they contain old facts."""
	flags = frappe.flags
	return bool(flags.in_import or flags.in_patch or flags.in_migrate or flags.in_install)


def _playbooks() -> dict[str, list[tuple[str, int]]]:
	"""Return role → (activity, whether it starts every time); only activities that are on. Cached."""
	cached = frappe.cache.get_value(queries.PLAYBOOKS)
	if cached is None:
		rows = frappe.get_all(
			ACTIVITY,
			filters={"parenttype": "Relation Role Type", "disabled": 0},
			fields=["parent", "name", "again"],
			order_by="parent asc, idx asc",
		)
		cached = {}
		for row in rows:
			cached.setdefault(row.parent, []).append((row.name, cint(row.again)))
		frappe.cache.set_value(queries.PLAYBOOKS, cached)
	return cached


def _entered_now(entered: Mapping[tuple[str, str], RoleRow]) -> dict[tuple[str, str], RoleRow]:
	"""Return roles that began recently and, if the relation was created later than its documents, not before
	it.
	"""
	if not entered:
		return {}
	earliest = getdate(add_days(nowdate(), -DAYS_OF_ENTERING))
	adopted = _adopted_on({relation for relation, _role in entered})
	return {
		key: row
		for key, row in entered.items()
		if row.since and row.since >= max(earliest, adopted.get(key[0], earliest))
	}


def _adopted_on(relations: Collection[str]) -> dict[str, date]:
	"""Return relation → the day of its creation, if it was created from documents that were older."""
	table, party = frappe.qb.DocType("Relation"), frappe.qb.DocType("Relation Party")
	rows = (
		frappe.qb.from_(table)
		.join(party)
		.on(party.parent == table.name)
		.select(table.name, table.creation, Min(party.since))
		.where(table.name.isin(list(relations)))
		.groupby(table.name, table.creation)
	).run()
	return {name: getdate(made) for name, made, first in rows if first and getdate(first) < getdate(made)}


def _plan(
	entered: Mapping[tuple[str, str], RoleRow], books: Mapping[str, list[tuple[str, int]]]
) -> list[str]:
	"""Add a row for each activity that has not started on this occasion; return their names.

	The unique key refuses what another transaction planned meanwhile.
	"""
	if not entered:
		return []
	before = _occasions({relation for relation, _role in entered})
	stamp, user, today = now(), frappe.session.user, nowdate()
	rows = []
	for (relation, role), row in entered.items():
		for activity, again in books[role]:
			known = before.get((relation, activity), set())
			occasion = _occasion(row, today) if again else ""
			if occasion in known if again else known:
				continue
			key = f"{relation}-{activity}-{occasion}"
			name = frappe.generate_hash(length=10)
			rows.append(
				(
					name,
					user,
					user,
					stamp,
					stamp,
					key,
					relation,
					role,
					activity,
					occasion,
					today,
					PLANNED_STATE,
				)
			)
	if rows:
		insert_rows(STARTED, ROW_FIELDS, rows, ignore_duplicates=True)
	return [row[0] for row in rows]


def _occasion(row: RoleRow, today: str) -> str:
	"""Return the key of an occasion, which distinguishes one entry into the role from the next.

	A manual role begins on its day. A derived one begins when we learn of it, since the dates of documents
	move.
	"""
	return today if row.document_name else str(row.since)


def _occasions(relations: Collection[str]) -> dict[tuple[str, str], set[str]]:
	table = frappe.qb.DocType(STARTED)
	rows = (
		frappe.qb.from_(table)
		.select(table.relation, table.activity, table.occasion)
		.where(table.relation.isin(list(relations)))
	).run()
	result: dict[tuple[str, str], set[str]] = {}
	for relation, activity, occasion in rows:
		result.setdefault((relation, activity), set()).add(occasion or "")
	return result


def enter_dated() -> None:
	"""Plan the activities of manual roles that begin today; for the daily job."""
	role, kind = frappe.qb.DocType("Relation Role"), frappe.qb.DocType("Relation Role Type")
	rows = (
		frappe.qb.from_(role)
		.join(kind)
		.on(kind.name == role.role)
		.select(role.parent, role.name, role.role, role.since, role.until, role.creation)
		.where(kind.is_standard == 0)
		.where(role.since <= nowdate())
		.where(role.since > add_days(nowdate(), -PAST_DAYS))
	).run()
	today = getdate(nowdate())
	entered = {}
	for relation, name, kind_name, since, until, creation in rows:
		row = RoleRow(name, kind_name, since, until)
		if since > getdate(creation) and is_held(row, today):
			entered[(relation, kind_name)] = row
	enter(entered)


# ── starting what is planned ───────────────────────────────────────────────────────────────────


def start_planned() -> dict[str, int]:
	"""Create the tasks of all planned activities; commits after each, may be killed and run again.

	Ends before the time of a job is over; the hourly job continues.

	:return: counts `started`, `dropped`, `waiting`. An activity without a responsible user waits, with the
		reason.
	"""
	counts = {"started": 0, "dropped": 0, "waiting": 0}
	after, begun = "", monotonic()
	while names := _planned_after(after):
		after = names[-1]
		for name in names:
			if monotonic() - begun > SECONDS:
				return counts
			try:
				state = start(name)
			except JobTimeoutException:
				raise
			except Exception as error:
				frappe.db.rollback()
				_tell_error(name, frappe.utils.strip_html(cstr(error))[:500])
				state = PLANNED_STATE
			frappe.db.commit()
			if state:
				counts[{STARTED_STATE: "started", DROPPED_STATE: "dropped"}.get(state, "waiting")] += 1
	return counts


def _tell_error(name: str, reason: str) -> None:
	"""Record the reason in the row; the error log gets it once, and not every hour."""
	if frappe.db.get_value(STARTED, name, "reason") != reason:
		frappe.log_error(title=f"Playbook: {name}", message=frappe.get_traceback())
		_wait(name, reason)


def _planned_after(after: str) -> list[str]:
	table = frappe.qb.DocType(STARTED)
	return (
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.state == PLANNED_STATE) & (table.name > after))
		.orderby(table.name)
		.limit(PAGE)
	).run(pluck=True)


def start(name: str) -> str | None:
	"""Create the task of a planned activity; return the state of its row afterwards. The caller commits.

	The row is locked first: with two workers there is one task, and the second does nothing and returns None.
	"""
	row = frappe.db.get_value(
		STARTED,
		name,
		["name", "state", "relation", "role_type", "activity", "entered_on"],
		as_dict=True,
		for_update=True,
	)
	if not row or row.state != PLANNED_STATE:
		return None
	activity = frappe.db.get_value(
		ACTIVITY,
		row.activity,
		["name", "subject", "due_in_days", "assign_to", "user", "role", "disabled"],
		as_dict=True,
		for_update=True,  # in round robin, workers decide one after the other
	)
	relation = frappe.db.get_value(
		"Relation",
		row.relation,
		["name", "disabled", "responsible", *MERGE_FIELDS[:5]],
		as_dict=True,
	)
	held = _held_row(row.relation, row.role_type)
	if reason := _needless(activity, relation, held):
		_set(name, state=DROPPED_STATE, reason=reason)
		return DROPPED_STATE
	user, reason = _person(activity, relation)
	if not user:
		_wait(name, reason)
		return PLANNED_STATE
	subject = render_line(activity.subject, _merge_values(relation, held))
	due = max(getdate(add_days(row.entered_on, cint(activity.due_in_days))), getdate(nowdate()))
	todo = tasks.assign(user, "Relation", relation.name, subject, str(due), by_rule=True)
	_set(
		name,
		state=STARTED_STATE,
		reason=None,
		subject=subject[:140],
		assigned_to=user,
		todo=todo,
		started_at=now_datetime(),
	)
	return STARTED_STATE


def _needless(activity: Any, relation: Any, held: RoleRow | None) -> str | None:
	"""Return why there is nothing to start any more."""
	if not activity or activity.disabled:
		return _("The activity was removed from the playbook.")
	if not relation or relation.disabled:
		return _("The relation is disabled.")
	if not held:
		return _("The role is not held any more.")
	return None


def _held_row(relation: str, role: str) -> RoleRow | None:
	today = getdate(nowdate())
	rows = queries.role_rows([relation])[relation]
	return next((row for row in rows if row.role == role and is_held(row, today)), None)


def _merge_values(relation: Any, held: RoleRow) -> dict[str, str]:
	values = {field: cstr(relation.get(field)) for field in MERGE_FIELDS[:5]}
	return {
		**values,
		"role": _(held.role),
		"since": formatdate(held.since) if held.since else "",
		"document_type": _(held.document_type) if held.document_type else "",
		"document_name": cstr(held.document_name),
	}


def _person(activity: Any, relation: Any) -> tuple[str | None, str]:
	"""Return the user that gets the task, or why there is none."""
	if activity.assign_to == "Role in Turn":
		users = _users_of(activity.role)
		return _next_in_turn(activity.name, users), _nobody_in(activity.role)
	if activity.assign_to == "Role with Fewest Tasks":
		users = _users_of(activity.role)
		return _least_busy(users), _nobody_in(activity.role)
	candidates = [activity.user]
	if activity.assign_to == "Responsible User":
		candidates.insert(0, relation.responsible)
	for user in candidates:
		if user and frappe.db.exists("User", {"name": user, "enabled": 1, "user_type": "System User"}):
			return user, ""
	return None, _("Neither the relation nor the activity has a user with a login. Enter one.")


def _nobody_in(role: str) -> str:
	return _("No enabled user has the role {0}. Assign the role to a user.").format(_(role))


def _users_of(role: str) -> list[str]:
	"""Return enabled desk users with the role, in a fixed order."""
	has_role, user = frappe.qb.DocType("Has Role"), frappe.qb.DocType("User")
	return (
		frappe.qb.from_(has_role)
		.join(user)
		.on(user.name == has_role.parent)
		.select(user.name)
		.distinct()
		.where((has_role.parenttype == "User") & (has_role.role == role))
		.where((user.enabled == 1) & (user.user_type == "System User"))
		.where(user.name.notin(["Administrator", "Guest"]))
		.orderby(user.name)
	).run(pluck=True)


def _next_in_turn(activity: str, users: list[str]) -> str | None:
	"""Return the next user in round robin: the one after the user of the last task of this activity."""
	if not users:
		return None
	last = frappe.db.get_value(
		STARTED,
		{"activity": activity, "state": STARTED_STATE},
		"assigned_to",
		order_by="started_at desc",
		for_update=True,
	)
	return next((user for user in users if last and user > last), users[0])


def _least_busy(users: list[str]) -> str | None:
	if not users:
		return None
	todo = frappe.qb.DocType("ToDo")
	rows = (
		frappe.qb.from_(todo)
		.select(todo.allocated_to, Count("*"))
		.where((todo.status == "Open") & todo.allocated_to.isin(users))
		.groupby(todo.allocated_to)
	).run()
	open_tasks = dict(rows)
	return min(users, key=lambda user: (open_tasks.get(user, 0), user))


def _wait(name: str, reason: str) -> None:
	_set(name, reason=reason)


def _set(name: str, **values: Any) -> None:
	frappe.db.set_value(STARTED, name, plain_values(STARTED, values))


# ── deleted relations and tasks ──


def forget(relation: str) -> None:
	"""Delete what has started for a deleted relation."""
	frappe.db.delete(STARTED, {"relation": relation})


@deferrable
def forget_todo(todo: Document) -> None:
	"""Clear the link to a deleted task; the record that it was started stays."""
	table = frappe.qb.DocType(STARTED)
	frappe.qb.update(table).set(table.todo, None).where(table.todo == todo.name).run()


def waiting() -> list[tuple[str, str]]:
	"""Return (role, reason) of planned activities without a user, each once."""
	table = frappe.qb.DocType(STARTED)
	return (
		frappe.qb.from_(table)
		.select(table.role_type, table.reason)
		.distinct()
		.where((table.state == PLANNED_STATE) & table.reason.isnotnull() & (table.reason != ""))
		.orderby(table.role_type)
	).run()


# ── checks of a Relation Role Type ─────────────────────────────────────────────────────────────


def check(doc: Document) -> None:
	"""Validate a role type: each activity can be carried out.

	:raises frappe.ValidationError: names the row, the field and the remedy
	"""
	for row in doc.get("activities"):
		try:
			check_line(row.subject or "", MERGE_FIELDS)
		except TemplateError as error:
			refuse(
				_("Activities, row {0}: Subject cannot be read: {1}. Known merge fields are: {2}"),
				row.idx,
				str(error),
				", ".join(MERGE_FIELDS),
			)
		if cint(row.due_in_days) < 0:
			refuse(_("Activities, row {0}: Due in Days cannot be less than 0."), row.idx)
		if row.assign_to == "User" and not row.user:
			refuse(_("Activities, row {0}: enter User."), row.idx)
		if (row.assign_to or "").startswith("Role") and not row.role:
			refuse(_("Activities, row {0}: enter Role of Users."), row.idx)
