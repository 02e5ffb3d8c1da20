# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationMailReview(RelationDocument):
	"""An incoming email that a user has to review. Sole writer: campaigns/incoming/mail_reviews.py."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign: DF.Link | None
		communication: DF.Link
		decided_at: DF.Datetime | None
		decided_by: DF.Link | None
		decision: DF.Literal["", "Objection", "Answer", "Undeliverable", "No Effect"]
		mailbox_key: DF.Data | None
		reason: DF.Literal[
			"May be an objection",
			"Objection from another address than the one written to",
			"Objection without a reference to our email",
			"The objection may concern more than emails",
			"Bounce without a reference to our email",
			"Complaint without a reference to our email",
			"Complaint about another address than the one written to",
			"May be an absence note",
			"May be a receipt of a ticket system",
		]
		recipient: DF.Data | None
		relation: DF.Link | None
		send: DF.Link | None
		sender: DF.Data | None
		state: DF.Literal["Open", "Done"]
	# end: auto-generated types
