"""Read the records of qualification. Reads only."""

import frappe

from crm_relations.qualification.rules import Answer


def answers_of(member: str) -> list[Answer]:
	"""Return all responses of a campaign member, oldest first, without those of bots."""
	response = frappe.qb.DocType("Relation Campaign Response")
	rows = (
		frappe.qb.from_(response)
		.select(response.name, response.response_type, response.answer)
		.where((response.member == member) & (response.bot == 0))
		.orderby(response.creation)
		.orderby(response.name)
		.run()
	)
	return [Answer(name, response_type or "", answer or "") for name, response_type, answer in rows]


def scheme_of_campaign(campaign: str) -> str | None:
	"""Return the qualification scheme of a campaign; None if there is none or it is disabled."""
	campaigns = frappe.qb.DocType("Relation Campaign")
	schemes = frappe.qb.DocType("Relation Qualification Scheme")
	row = (
		frappe.qb.from_(campaigns)
		.join(schemes)
		.on(schemes.name == campaigns.qualification_scheme)
		.select(schemes.name)
		.where((campaigns.name == campaign) & (schemes.disabled == 0))
		.run()
	)
	return row[0][0] if row else None


def handovers_of(member: str) -> list[tuple[str, int]]:
	"""Return (status, points) of the handovers of a member."""
	handover = frappe.qb.DocType("Relation Handover")
	return list(
		frappe.qb.from_(handover)
		.select(handover.status, handover.points)
		.where(handover.member == member)
		.orderby(handover.creation)
		.run()
	)
