# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from frappe.model.document import Document

from crm_relations.campaigns import control_group, lifecycle


class RelationCampaign(Document):
	"""A goal, a segment and the steps that address it."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_campaign_step.relation_campaign_step import (
			RelationCampaignStep,
		)

		budget: DF.Currency
		campaign_name: DF.Data
		company: DF.Link | None
		control_group_percent: DF.Percent
		control_group_seed: DF.Data | None
		email_account: DF.Link | None
		end_date: DF.Date | None
		goal: DF.SmallText | None
		purpose: DF.Data
		qualification_scheme: DF.Link | None
		responsible: DF.Link | None
		segment: DF.Link
		start_date: DF.Date | None
		started_at: DF.Datetime | None
		started_by: DF.Link | None
		status: DF.Literal["Draft", "Running", "Paused", "Done"]
		steps: DF.Table[RelationCampaignStep]
	# end: auto-generated types

	def before_insert(self) -> None:
		lifecycle.check_new(self)

	def validate(self) -> None:
		control_group.check(self)
		lifecycle.check_changes(self)

	def on_trash(self) -> None:
		lifecycle.check_delete(self)
