"""A next step is one task: makes, changes and cancels the ToDo of an interaction.

The ToDo stands beside the relation, so that it shows on the customer's file and among its assignments; the
interaction links to it in its field `todo`, which alone is written here. The step is done when the person
closes the ToDo; nothing closes it from here.
"""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import (
	add_days,
	add_years,
	cstr,
	escape_html,
	format_date,
	format_datetime,
	getdate,
	nowdate,
)

from crm_relations.shared import tasks
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable

#: what happened longer ago is a typing error
OLDEST_YEARS = 50
_FIELDS = ("next_step", "next_step_on", "next_step_for")


def validate(doc: Document) -> None:
	"""What is logged has happened, in living memory; a next step has a person and a day that has not passed, and
	without a step both are empty."""
	# a day of grace: the clock of the user may be ahead of the server's
	if doc.happened_on and getdate(doc.happened_on) > getdate(add_days(nowdate(), 1)):
		frappe.throw(
			_("When: an interaction cannot lie in the future. Enter what is planned as its next step.")
		)
	if doc.happened_on and getdate(doc.happened_on) < getdate(add_years(nowdate(), -OLDEST_YEARS)):
		refuse(
			_("When: {0} lies more than {1} years back. Correct the year."),
			format_datetime(doc.happened_on),
			OLDEST_YEARS,
		)
	doc.next_step = cstr(doc.next_step).strip() or None
	if not doc.next_step:
		doc.next_step_on = doc.next_step_for = None
		return
	if not doc.next_step_on:
		frappe.throw(_("Enter in Due on when the next step is due."))
	if doc.has_value_changed("next_step_on") and getdate(doc.next_step_on) < getdate(nowdate()):
		refuse(_("Due on: {0} has passed. Enter today or a later day."), format_date(doc.next_step_on))
	doc.next_step_for = doc.next_step_for or doc.handled_by or frappe.session.user
	if doc.has_value_changed("next_step_for"):
		tasks.check_user(doc.next_step_for)


def follow(doc: Document) -> None:
	"""Bring the ToDo of an interaction in line with its next step.

	An open ToDo is changed or, when the step was emptied, cancelled. One that is closed or cancelled
	stays as it is: a step that changes after that is a new step with a ToDo of its own.
	"""
	todo = _open_todo(doc)
	if not doc.next_step:
		if todo:
			_cancel(todo)
		_link(doc, None)
	elif doc.todo and not any(doc.has_value_changed(field) for field in (*_FIELDS, "relation")):
		return  # what the person changed in the ToDo itself stays
	elif todo:
		_change(todo, doc)
	else:
		_link(
			doc,
			tasks.assign(doc.next_step_for, "Relation", doc.relation, doc.next_step, str(doc.next_step_on)),
		)


def withdraw(doc: Document) -> None:
	"""An interaction is deleted: its open ToDo is cancelled."""
	if todo := _open_todo(doc):
		_cancel(todo)


@deferrable
def forget_todo(todo: Document) -> None:
	"""A ToDo is deleted: the interaction that made it lets go of it and can be saved further on."""
	interaction = frappe.qb.DocType("Relation Interaction")
	frappe.qb.update(interaction).set(interaction.todo, None).where(interaction.todo == todo.name).run()


def _open_todo(doc: Document) -> Document | None:
	if doc.todo and frappe.db.get_value("ToDo", doc.todo, "status") == "Open":
		return frappe.get_doc("ToDo", doc.todo)
	return None


def _change(todo: Document, doc: Document) -> None:
	wanted = {
		"allocated_to": doc.next_step_for,
		"date": getdate(doc.next_step_on),
		"description": escape_html(doc.next_step),
		"reference_name": doc.relation,
	}
	new_person = todo.allocated_to != doc.next_step_for
	todo.update(wanted)
	todo.save(ignore_permissions=True)
	if new_person:
		tasks.tell(todo)


def _cancel(todo: Document) -> None:
	todo.status = "Cancelled"
	todo.save(ignore_permissions=True)


def _link(doc: Document, todo: str | None) -> None:
	if (doc.todo or None) != todo:
		doc.db_set("todo", todo, update_modified=False)
