"""Answer requests of the desk about the pipeline.

Holds whitelisted functions only, and writes through other modules.
"""

import json
from typing import Any

import frappe
from frappe import _
from frappe.utils import add_days, cint, nowdate

from crm_relations.pipeline.adapter import get_adapter
from crm_relations.pipeline.document_flow import graph
from crm_relations.pipeline.erpnext_crm import actions
from crm_relations.qualification import handover as handovers
from crm_relations.shared import tasks

DEFAULT_TASK_DAYS = 3


@frappe.whitelist(methods=["POST"])
def accept_handover(handover: str, salesperson: str | None = None) -> dict:
	"""Accept a proposed handover: open an opportunity and create a task for the salesperson.

	The row is locked first, so that two clicks create one opportunity. The second click gets the result of
	the first.

	:param salesperson: user; without it, the one that the handover proposes
	:return: `doctype`, `name` of the opportunity, `todo` of the task
	"""
	frappe.has_permission("Relation Handover", "write", doc=handover, throw=True)
	doc = frappe.get_doc("Relation Handover", handover, for_update=True)
	if doc.status == "Accepted":
		return _result(doc.document_type, doc.document_name, doc.todo)
	handovers.check_open(doc)
	salesperson = salesperson or doc.salesperson
	if not salesperson:
		frappe.throw(_("Choose a salesperson for the handover."))
	tasks.check_user(salesperson)
	relation_name = frappe.db.get_value("Relation", doc.relation, "relation_name")
	document_type, document_name = get_adapter().open_opportunity(
		doc.relation,
		salesperson=salesperson,
		campaign=doc.campaign,
		title=relation_name,
		notes=_notes(doc),
	)
	todo = tasks.assign(
		salesperson,
		document_type,
		document_name,
		_("Contact {0}: {1} points in the campaign {2}").format(relation_name, doc.points, doc.campaign)
		if doc.campaign
		else _("Contact {0}: {1} points").format(relation_name, doc.points),
		add_days(nowdate(), _task_days(doc.scheme)),
	)
	handovers.accept(doc.name, salesperson, document_type, document_name, todo)
	return _result(document_type, document_name, todo)


@frappe.whitelist(methods=["POST"])
def qualify(relation: str) -> dict:
	"""Mark the open lead of a relation as qualified: it becomes a prospect.

	:return: `doctype`, `name` of the lead, `message` for the user
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	doctype, name = actions.qualify(relation)
	return {"doctype": doctype, "name": name, "message": _("Qualified: {0}").format(name)}


def _result(document_type: str, document_name: str, todo: str | None) -> dict:
	return {"doctype": document_type, "name": document_name, "todo": todo}


def _task_days(scheme: str | None) -> int:
	days = frappe.db.get_value("Relation Qualification Scheme", scheme, "task_days") if scheme else None
	return DEFAULT_TASK_DAYS if days is None else cint(days)


def _notes(doc) -> str:
	"""Return the reasons of the handover as plain text, one line each."""
	lines = [_("Handed over with {0} points").format(doc.points)]
	for reason in json.loads(doc.reasons or "[]"):
		lines.append(f"{reason['points']:+d}  {reason['description']}")
	return "\n".join(lines)


@frappe.whitelist(methods=["GET", "POST"])
def process_chain(doctype: str, name: str) -> dict[str, Any]:
	"""Return the document flow of a document: `start`, `boxes`, `arrows`, `cut`.

	`document_flow.graph.process_chain` describes them. A document that the user may not read is a closed box.
	"""
	frappe.has_permission(doctype, "read", throw=True)
	return graph.process_chain(doctype, name)
