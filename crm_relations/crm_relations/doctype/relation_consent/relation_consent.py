# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.email import dispatch
from crm_relations.shared.access import append_only
from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.text.stored_texts import shown


class RelationConsent(RelationDocument):
	"""An event of consent by channel and purpose: append-only."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		address: DF.Data
		address_key: DF.Data | None
		by_system: DF.Check
		channel: DF.Literal["", "Email", "Phone", "Letter"]
		declaration: DF.SmallText | None
		event: DF.Literal["", "Given", "Withdrawn"]
		given_at: DF.Datetime
		legal_basis: DF.Literal[
			"",
			"Consent, Art. 6 (1) (a) GDPR",
			"Existing customer, § 7 (3) UWG",
			"Presumed consent, § 7 (2) No. 1 UWG",
			"Contract, Art. 6 (1) (b) GDPR",
		]
		mailbox_key: DF.Data | None
		opt_in_request: DF.Link | None
		proof: DF.SmallText | None
		purpose: DF.Data
		relation: DF.Link | None
		source: DF.Data
		text_version: DF.Data | None
	# end: auto-generated types

	def onload(self) -> None:
		"""Show the stored texts in the language of the reader."""
		self.source = shown(self.source)
		self.proof = shown(self.proof)

	def validate(self) -> None:
		append_only.refuse_change(self)
		decisions.check_event(self)

	def after_insert(self) -> None:
		dispatch.suppress_withdrawn(self)

	def on_trash(self) -> None:
		append_only.refuse_deletion(self)
