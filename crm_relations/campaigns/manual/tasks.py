"""Task steps: a ToDo for somebody of the house when the step is due. Writes the state of task rows."""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import escape_html, getdate, now_datetime

from crm_relations.campaigns import working_hours
from crm_relations.campaigns.content import composer, templates
from crm_relations.campaigns.eligibility import check
from crm_relations.campaigns.members import assignment
from crm_relations.campaigns.sends import store

_CHUNK = 100
NOBODY = "No responsible user is available"


def make_due(campaign: str) -> int:
	"""Make the tasks that are due; commits after each chunk. Returns how many were made.

	A row and its ToDo are committed together: a run that is killed has made both or neither. Where everybody who could
	do it is disabled or away, the row waits and says so.
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	made = 0
	if doc.status != "Running" or working_hours.closed(doc):
		return made
	waiting: list[str] = []
	while names := _due(campaign, waiting):
		rows = composer.rows(names)
		verdict = check.evaluate(doc, rows)
		send = DocType(store.SEND)
		for name, reason in verdict.refused.items():
			store.update(send.name == name, state="Suppressed", reason=reason)
		rows = [row for row in rows if row.name not in verdict.refused]
		people = _people(doc, rows)
		for row in rows:
			if row.name in people:
				made += _make(doc, row, people[row.name])
			else:
				waiting.append(row.name)
				store.update(send.name == row.name, reason=NOBODY)
		frappe.db.commit()
	return made


def _people(campaign: Document, rows: list[frappe._dict]) -> dict[str, str]:
	"""Row → who does it: the user that the step names, if there, else those who are responsible, in turn."""
	steps = {step.name: step for step in campaign.steps}
	named = {row.name: steps[row.step].task_for for row in rows if row.step in steps}
	there = set(assignment.available(sorted({user for user in named.values() if user})))
	people = {name: user for name, user in named.items() if user in there}
	rest = [row.name for row in rows if row.name not in people]
	users = assignment.available(assignment.responsible(campaign))
	return people | assignment.share(campaign, "Task", rest, users)


def _due(campaign: str, waiting: list[str]) -> list[str]:
	"""The next due rows, locked until the transaction ends; those that another run has locked are left to it."""
	send = DocType(store.SEND)
	query = (
		frappe.qb.from_(send)
		.select(send.name)
		.where((send.campaign == campaign) & (send.state == "Pending") & (send.step_type == "Task"))
		.where((send.due_on <= getdate()) & (send.retry_at.isnull() | (send.retry_at <= now_datetime())))
		.orderby(send.due_on, send.name)
		.limit(_CHUNK)
		.for_update(skip_locked=True)
	)
	return (query.where(send.name.notin(waiting)) if waiting else query).run(pluck=True)


def _make(campaign: Document, row: frappe._dict, user: str) -> int:
	send = DocType(store.SEND)
	step = next((step for step in campaign.steps if step.name == row.step), None)
	try:
		if not step:
			raise templates.TemplateError(_("the step has been deleted"))
		text = templates.render_html(step.task_text or "", composer.merge_fields(row))
	except templates.TemplateError as e:
		reason = f"The task cannot be made: {e}"
		store.update(send.name == row.name, state="Failed", reason=reason)
		return 0
	todo = frappe.get_doc(
		{
			"doctype": "ToDo",
			"description": f"<p>{text}</p><p>{escape_html(row.relation_name or '')} · {escape_html(campaign.name)}</p>",
			"reference_type": "Relation",
			"reference_name": row.relation,
			"allocated_to": user,
			"assigned_by": campaign.responsible or campaign.owner,
			"date": getdate(),
		}
	).insert(ignore_permissions=True)
	return store.update(
		send.name == row.name,
		state="Done",
		todo=todo.name,
		sent_at=now_datetime(),
		assigned_to=user,
		reason="",
	)
