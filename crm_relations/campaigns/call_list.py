"""The call list: the rows of call steps, worked by people. Writes the state of call rows."""

from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import add_days, getdate, now_datetime

from crm_relations.campaigns import composing, consent, responses, rules, templates
from crm_relations.shared.permissions import readable

SEND = "Relation Campaign Send"
_CHUNK = 1000


def next_calls(campaign: str, limit: int = 20) -> list[dict]:
	"""Members to be called next, those due first and least tried before.

	:return: rows with `send`, `member`, `relation`, `relation_name`, `city`, `phone`, `step_title`,
		`script` (HTML, merge fields filled in), `attempts`, `due_on`, `legal_basis`, `points`, `last_response`.
		Members who may not be called are left out.
	"""
	doc = frappe.get_doc("Relation Campaign", campaign)
	if doc.status != "Running":
		return []
	rows = _open_rows(campaign, limit)
	decisions = consent.decide_many(_keys(rows), "Phone", doc.purpose)
	steps = {step.name: step for step in doc.steps}
	return [
		_shown(row, steps.get(row.step), decisions[row.recipient])
		for row in rows
		if decisions[row.recipient].allowed
	]


def suppress(campaign: Document) -> int:
	"""Look up consent for call rows that have become due, once: store the basis, or take the row off the list.

	Later withdrawals take their rows off by themselves (delivery.suppress_withdrawn).

	:return: number of rows taken off.
	"""
	taken_off = 0
	while rows := _unchecked_rows(campaign.name):
		decisions = consent.decide_many(_keys(rows), "Phone", campaign.purpose)
		changes = {}
		for row in rows:
			decision = decisions[row.recipient]
			changes[row.name] = {
				"state": "Pending" if decision.allowed else "Suppressed",
				"reason": decision.reason,
				"legal_basis": decision.legal_basis,
				"consent": decision.consent,
			}
			taken_off += not decision.allowed
		frappe.db.bulk_update(SEND, changes)
	return taken_off


def complete(send: str, answer: str, note: str | None = None, call_again_on: date | str | None = None) -> str:
	"""Record the outcome of a call; returns the name of the response. The caller has checked permission.

	Who was not reached, or asks to be called back, stays on the list: for `call_again_on` or tomorrow,
	`rules.MAX_ATTEMPTS` times in all if not reached.

	:param answer: one of rules.CALL_ANSWERS.
	"""
	if answer not in rules.CALL_ANSWERS:
		frappe.throw(
			_("Answer: {0} is not known. Choose one of {1}").format(
				frappe.bold(answer), ", ".join(rules.CALL_ANSWERS)
			)
		)
	row = frappe.db.get_value(
		SEND,
		send,
		["name", "campaign", "member", "step_type", "state", "attempts"],
		as_dict=True,
		for_update=True,
	)
	if not row:
		frappe.throw(
			_("Relation Campaign Send {0} does not exist").format(frappe.bold(send)), frappe.DoesNotExistError
		)
	if row.step_type != "Call" or row.state != "Pending":
		frappe.throw(
			_("This call is not open any more; somebody else may have recorded it. Load the list again")
		)
	if frappe.db.get_value("Relation Campaign", row.campaign, "status") not in ("Running", "Paused"):
		frappe.throw(_("Campaign {0} is not running").format(frappe.bold(row.campaign)))
	attempts = (row.attempts or 0) + 1
	values = {"attempts": attempts, "sent_at": now_datetime()}
	if answer == "Not Reached" and attempts >= rules.MAX_ATTEMPTS and not call_again_on:
		values.update(state="Done", reason="Not reached")
	elif answer in ("Not Reached", "Call Back"):
		values["due_on"] = getdate(call_again_on) if call_again_on else add_days(getdate(), 1)
	else:
		values["state"] = "Done"
	frappe.db.set_value(SEND, send, values)
	return responses.record(row.member, "Call", answer, send=send, note=note)


def _open_rows(campaign: str, limit: int) -> list[frappe._dict]:
	"""Open rows that the session's user may read: numbers are for those who call."""
	send, member, relation = (DocType(name) for name in (SEND, "Relation Campaign Member", "Relation"))
	query = readable(frappe.qb.from_(send), SEND)
	if query is None:
		return []
	return (
		query.join(member)
		.on(member.name == send.member)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(
			send.name,
			send.member,
			send.relation,
			send.step,
			send.recipient,
			send.attempts,
			send.due_on,
			member.points,
			member.last_response,
			relation.relation_name,
			relation.relation_kind,
			relation.market_orientation,
			relation.first_name,
			relation.last_name,
			relation.salutation,
			relation.language,
			relation.city,
		)
		.where((send.campaign == campaign) & (send.state == "Pending") & (send.step_type == "Call"))
		.where(send.due_on <= getdate())
		.orderby(send.due_on, send.attempts, send.name)
		.limit(limit)
		.run(as_dict=True)
	)


def _unchecked_rows(campaign: str) -> list[frappe._dict]:
	send, relation = DocType(SEND), DocType("Relation")
	return (
		frappe.qb.from_(send)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(send.name, send.recipient, relation.relation_kind, relation.market_orientation)
		.where((send.campaign == campaign) & (send.state == "Pending") & (send.step_type == "Call"))
		.where((send.due_on <= getdate()) & send.legal_basis.isnull())
		.limit(_CHUNK)
		.run(as_dict=True)
	)


def _keys(rows: list[frappe._dict]) -> dict[str, bool]:
	"""Number → is it a business's? One consumer behind a shared number makes it a consumer's."""
	keys: dict[str, bool] = {}
	for row in rows:
		business = rules.is_business(row.relation_kind, row.market_orientation)
		keys[row.recipient] = keys.get(row.recipient, True) and business
	return keys


def _shown(row: frappe._dict, step: Document | None, decision: rules.Decision) -> dict:
	try:
		script = templates.render_html((step and step.call_script) or "", composing.merge_fields(row))
	except templates.TemplateError as e:
		script = frappe.utils.escape_html(_("The script cannot be shown: {0}").format(e))
	return {
		"send": row.name,
		"member": row.member,
		"relation": row.relation,
		"relation_name": row.relation_name,
		"city": row.city,
		"phone": row.recipient,
		"step_title": step.title if step else "",
		"script": script,
		"attempts": row.attempts or 0,
		"due_on": str(row.due_on),
		"legal_basis": decision.legal_basis,
		"points": row.points or 0,
		"last_response": str(row.last_response or ""),
	}
