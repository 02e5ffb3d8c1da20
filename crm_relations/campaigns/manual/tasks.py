"""Create a ToDo for a responsible user when a task of a campaign is due.

Writes ToDo; `sends.store` changes the task rows.
"""

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
from crm_relations.campaigns.states import CampaignStatus, SendState, StepType

_CHUNK = 100
#: source string of the reason; its translation is looked up where it is shown
NO_USER = "No responsible user is available"


def make_due(campaign: str) -> int:
	"""Create the ToDos of due tasks; commits after each chunk. Returns their number.

	A row and its ToDo are committed together: a run that is killed has written both or neither. While no
	responsible user is available, the row waits and shows why.
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	made = 0
	if doc.status != CampaignStatus.RUNNING or working_hours.closed(doc):
		return made
	waiting: list[str] = []
	while names := _due(campaign, waiting):
		rows = composer.rows(names)
		verdict = check.evaluate(doc, rows)
		for name, reason in verdict.refused.items():
			store.suppress([name], reason)
		rows = [row for row in rows if row.name not in verdict.refused]
		people = _people(doc, rows)
		for row in rows:
			if row.name in people:
				made += _make(doc, row, people[row.name])
			else:
				waiting.append(row.name)
				store.wait(row.name, NO_USER)
		frappe.db.commit()
	return made


def _people(campaign: Document, rows: list[frappe._dict]) -> dict[str, str]:
	"""Return row → user: the user of the step if available, else the responsible users in turn."""
	steps = {step.name: step for step in campaign.steps}
	named = {row.name: steps[row.step].task_for for row in rows if row.step in steps}
	there = set(assignment.available(sorted({user for user in named.values() if user})))
	people = {name: user for name, user in named.items() if user in there}
	rest = [row.name for row in rows if row.name not in people]
	users = assignment.available(assignment.responsible(campaign))
	return people | assignment.divide(campaign, StepType.TASK, rest, users)


def _due(campaign: str, waiting: list[str]) -> list[str]:
	"""Lock the next due rows and return their names. Rows locked by another run are skipped."""
	send = DocType(store.SEND)
	query = (
		frappe.qb.from_(send)
		.select(send.name)
		.where(
			(send.campaign == campaign)
			& (send.state == SendState.PENDING)
			& (send.step_type == StepType.TASK)
		)
		.where((send.due_on <= getdate()) & (send.retry_at.isnull() | (send.retry_at <= now_datetime())))
		.orderby(send.due_on, send.name)
		.limit(_CHUNK)
		.for_update(skip_locked=True)
	)
	return (query.where(send.name.notin(waiting)) if waiting else query).run(pluck=True)


def _make(campaign: Document, row: frappe._dict, user: str) -> int:
	step = next((step for step in campaign.steps if step.name == row.step), None)
	try:
		if not step:
			raise templates.TemplateError(_("the step has been deleted"))
		text = templates.render_html(step.task_text or "", composer.merge_fields(row))
	except templates.TemplateError as e:
		reason = f"The task cannot be made: {e}"
		store.fail(row.name, reason)
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
	store.complete_task(row.name, todo.name, user)
	return 1
