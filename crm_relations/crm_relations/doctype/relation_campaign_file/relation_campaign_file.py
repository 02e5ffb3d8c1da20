# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.shared.access.documents import RelationDocument


class RelationCampaignFile(RelationDocument):
	"""A file with personal data that a campaign has produced: letters, addresses, rejected responses."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		campaign: DF.Link
		file_url: DF.Data | None
		kind: DF.Literal["Letters", "Addresses", "Rejected Answers"]
		print_run: DF.Data | None
		rows: DF.Int
	# end: auto-generated types
