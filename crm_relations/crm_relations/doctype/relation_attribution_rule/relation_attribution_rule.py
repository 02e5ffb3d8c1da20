# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

import frappe
from frappe import _

from crm_relations.ledger.attributions.attribution_models import DECAY, RULES
from crm_relations.shared.access.documents import RelationDocument
from crm_relations.shared.refusals import refuse

MOST_DAYS = 3650


class RelationAttributionRule(RelationDocument):
	"""The attribution model of a company for invoices without a document flow to a campaign."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		attributed_until: DF.Datetime | None
		company: DF.Link
		days: DF.Int
		enabled: DF.Check
		half_life_days: DF.Float
		rule: DF.Literal["Last Touch", "First Touch", "Linear", "Time Decay"]
	# end: auto-generated types

	def validate(self) -> None:
		if self.rule not in RULES:
			refuse(_("Rule: choose one of {0}."), ", ".join(_(rule) for rule in RULES))
		if not 1 <= self.days <= MOST_DAYS:
			refuse(_("Days: enter a number from 1 to {0}."), MOST_DAYS)
		if self.rule == DECAY and not self.half_life_days > 0:
			frappe.throw(_("Half-Life in Days: enter a number above 0."))

	def on_update(self) -> None:
		changed = any(
			self.has_value_changed(field) for field in ("enabled", "rule", "days", "half_life_days")
		)
		if changed:
			frappe.msgprint(
				_(
					"The rule holds for what is posted from now on. For earlier invoices: Relation Settings, button Rebuild Attribution."
				),
				alert=True,
			)

	def on_trash(self) -> None:
		frappe.msgprint(
			_("Existing attributions by rule stay until you use Rebuild Attribution in Relation Settings."),
			alert=True,
		)
