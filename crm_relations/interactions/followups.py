"""Create, change and cancel the ToDo of an interaction: a next step is one task. Writes ToDo and the field
`todo` of Relation Interaction.

The ToDo refers to the relation, so that it shows on the customer file and among its assignments. The
interaction links to it in its field `todo`, which only this module writes. The step is done when the person
closes the ToDo; no code closes it.
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

#: an earlier date is a typing error
OLDEST_YEARS = 50
_FIELDS = ("next_step", "next_step_on", "next_step_for")


def validate(doc: Document) -> None:
	"""Check an interaction: it has happened, within OLDEST_YEARS. A next step has a person and a day that
	has not passed; without a step both are empty.
	"""
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
	"""Update the ToDo of an interaction to its next step.

	An open ToDo is changed or, if the step was emptied, cancelled. A closed or cancelled ToDo stays
	unchanged: a step that changes after that is a new step with another ToDo.
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
	"""Cancel the open ToDo of an interaction that is deleted."""
	if todo := _open_todo(doc):
		_cancel(todo)


@deferrable
def forget_todo(todo: Document) -> None:
	"""Clear the link to a ToDo that is deleted, so that the interaction can still be saved."""
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
