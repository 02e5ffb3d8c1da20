"""Hand members over from marketing to sales: proposed, accepted, returned with a reason. Sole writer of
`Relation Handover`.
"""

import json
from collections.abc import Callable

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import now_datetime

from crm_relations.campaigns.members import member_status
from crm_relations.qualification import queries
from crm_relations.qualification.rules import may_propose
from crm_relations.qualification.scoring import score
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.refusals import refuse


def propose(member: str) -> str | None:
	"""Propose a campaign member to sales, with its points and reasons; returns the handover's name.

	Returns None if the member has too few points, or if a handover of it is open or accepted. The same
	applies if sales has returned it and it has not gained points since. The member is locked, so that two
	responses at the same time propose it once.
	"""
	row = frappe.db.get_value(
		"Relation Campaign Member", member, ["campaign", "relation"], as_dict=True, for_update=True
	)
	scheme = queries.scheme_of_campaign(row.campaign)
	if not scheme:
		return None
	threshold, salesperson = frappe.db.get_value(
		"Relation Qualification Scheme", scheme, ["threshold", "salesperson"]
	)
	result = score(member)
	if not may_propose(result.points, threshold, queries.handovers_of(member)):
		return None
	doc = trusted(
		frappe.get_doc(
			{
				"doctype": "Relation Handover",
				"relation": row.relation,
				"campaign": row.campaign,
				"member": member,
				"status": "Proposed",
				"scheme": scheme,
				"salesperson": salesperson or frappe.db.get_value("Relation", row.relation, "responsible"),
				"points": result.points,
				"reasons": json.dumps([reason.as_dict() for reason in result.reasons], ensure_ascii=False),
				"proposed_at": now_datetime(),
			}
		)
	)
	return doc.insert(ignore_permissions=True).name


def accept(handover: str, salesperson: str, document_type: str, document_name: str, todo: str | None) -> None:
	"""Mark a handover as accepted, with the Opportunity that was opened for it and the salesperson's task.

	:raises frappe.ValidationError: it is not open any more
	"""
	_decide(
		handover,
		member_status.hand_over,
		status="Accepted",
		salesperson=salesperson,
		document_type=document_type,
		document_name=document_name,
		todo=todo,
	)


def give_back(handover: str, reason: str) -> None:
	"""Return a handover to marketing; the member continues as one that has answered.

	:raises frappe.ValidationError: no reason is given, or the handover is not open any more
	"""
	reason = (reason or "").strip()
	if not reason:
		frappe.throw(_("Return Reason: enter a reason, which is shown to marketing."))
	_decide(handover, member_status.return_from_sales, status="Returned", return_reason=reason)


def check_open(doc: Document) -> None:
	"""Refuse unless the handover still waits for a decision."""
	if doc.status != "Proposed":
		refuse(_("The handover of {0} has been decided already: {1}."), doc.get_title(), _(doc.status))


def check_salesperson(doc: Document) -> None:
	"""Refuse another salesperson once the handover no longer waits for a decision."""
	previous = doc.get_doc_before_save()
	if previous and previous.status != "Proposed" and doc.has_value_changed("salesperson"):
		check_open(previous)


def _decide(handover: str, transition: Callable[[str], None], **values: str | None) -> None:
	doc = frappe.get_doc("Relation Handover", handover, for_update=True)
	check_open(doc)
	doc.update({**values, "decided_at": now_datetime(), "decided_by": frappe.session.user})
	trusted(doc).save(ignore_permissions=True)
	if doc.member:
		transition(doc.member)
