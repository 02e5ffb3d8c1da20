# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationContactFacts(RelationDocument):
	"""Figures on contacts, complaints and responses of a relation, derived from documents. Written by the system only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign_responses: DF.Int
		complaints: DF.Int
		last_call: DF.Date | None
		last_complaint: DF.Date | None
		last_contact: DF.Date | None
		last_email: DF.Date | None
		last_letter: DF.Date | None
		last_meeting: DF.Date | None
		last_response: DF.Date | None
		last_visit: DF.Date | None
		open_complaints: DF.Int
		positive_responses: DF.Int
		relation: DF.Link
	# end: auto-generated types
