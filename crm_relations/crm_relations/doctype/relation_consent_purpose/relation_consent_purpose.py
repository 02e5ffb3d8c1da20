# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.campaigns.consents import purposes
from crm_relations.shared.access.documents import RelationDocument


class RelationConsentPurpose(RelationDocument):
	"""A kind of advertising that a person can agree to or refuse, with the declaration in each language."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_consent_text.relation_consent_text import (
			RelationConsentText,
		)

		disabled: DF.Check
		on_sign_up: DF.Check
		purpose: DF.Data
		sort_order: DF.Int
		texts: DF.Table[RelationConsentText]
	# end: auto-generated types

	def validate(self) -> None:
		purposes.check(self)
