# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.interactions import followups, log
from crm_relations.shared.access.documents import RelationDocument


class RelationInteraction(RelationDocument):
	"""A call, letter, meeting, visit, complaint, wish or observation."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign: DF.Link | None
		contact: DF.Link | None
		direction: DF.Literal["", "Incoming", "Outgoing"]
		handled_by: DF.Link | None
		happened_on: DF.Datetime
		item: DF.Link | None
		kind: DF.Literal["Call", "Letter", "Meeting", "Visit", "Complaint", "Wish", "Observation"]
		next_step: DF.Data | None
		next_step_for: DF.Link | None
		next_step_on: DF.Date | None
		notes: DF.TextEditor | None
		outcome: DF.Literal["", "Successful", "No Answer", "Call Back", "Refused", "Open", "Solved"]
		reference_name: DF.DynamicLink | None
		reference_type: DF.Link | None
		relation: DF.Link
		response: DF.Link | None
		subject: DF.Data
		todo: DF.Link | None
	# end: auto-generated types

	def validate(self) -> None:
		log.check_campaign(self)
		followups.validate(self)

	def on_update(self) -> None:
		followups.follow(self)

	def on_trash(self) -> None:
		followups.withdraw(self)
