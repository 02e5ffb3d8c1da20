# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.campaigns.content import attachments
from crm_relations.campaigns.sends import campaign_files
from crm_relations.campaigns.members import control_group
from crm_relations.campaigns import lifecycle, rights, working_hours
from crm_relations.campaigns.consents import soft_opt_in
from crm_relations.segments.description import describe_segment
from crm_relations.shared.access.documents import RelationDocument


class RelationCampaign(RelationDocument):
	"""A goal, a segment and the steps that address it."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_campaign_attachment.relation_campaign_attachment import (
			RelationCampaignAttachment,
		)
		from crm_relations.crm_relations.doctype.relation_campaign_item_group.relation_campaign_item_group import (
			RelationCampaignItemGroup,
		)

		from crm_relations.crm_relations.doctype.relation_campaign_step.relation_campaign_step import (
			RelationCampaignStep,
		)
		from crm_relations.crm_relations.doctype.relation_campaign_user.relation_campaign_user import (
			RelationCampaignUser,
		)

		approved_by: DF.Link | None
		budget: DF.Currency
		campaign_name: DF.Data
		company: DF.Link | None
		control_group_percent: DF.Percent
		control_group_seed: DF.Data | None
		email_account: DF.Link | None
		end_date: DF.Date | None
		ends_when_through: DF.Check
		exclude_complaints: DF.Check
		exclude_overdue: DF.Check
		exit_on_answer: DF.Check
		exit_on_complaint: DF.Check
		exit_on_purchase: DF.Check
		exit_on_segment_left: DF.Check
		exit_on_role_change: DF.Check
		files: DF.Table[RelationCampaignAttachment]
		goal: DF.SmallText | None
		holiday_list: DF.Link | None
		hours_from: DF.Int
		hours_until: DF.Int
		item_groups: DF.TableMultiSelect[RelationCampaignItemGroup]
		pause_reason: DF.SmallText | None
		purpose: DF.Data
		qualification_scheme: DF.Link | None
		re_entry_days: DF.Int
		responsible: DF.Link | None
		responsible_users: DF.TableMultiSelect[RelationCampaignUser]
		segment: DF.Link
		start_date: DF.Date | None
		started_at: DF.Datetime | None
		started_by: DF.Link | None
		status: DF.Literal["Draft", "Approved", "Running", "Paused", "Done"]
		steps: DF.Table[RelationCampaignStep]
		take_in_new: DF.Check
		track_opens: DF.Check
	# end: auto-generated types

	@property
	def segment_in_words(self) -> str:
		return describe_segment.of_segment_named(self.segment)

	def _set_defaults(self) -> None:
		"""Leave an empty company empty: Frappe would fill in the user's default, and the campaign would then be refused on
		documents of every other company."""
		chosen = self.company
		super()._set_defaults()
		self.company = chosen

	def onload(self) -> None:
		self.set_onload("rights", rights.allowed(self))

	def validate(self) -> None:
		rights.check_changes(self)
		attachments.take_in(self)
		control_group.check(self)
		working_hours.check(self)
		soft_opt_in.check(self)
		lifecycle.check_changes(self)

	def before_print(self, settings: dict | None = None) -> None:
		self.set("segment_in_words", self.segment_in_words)  # a print takes no computed fields by itself

	def on_trash(self) -> None:
		lifecycle.check_delete(self)
		campaign_files.delete_of(self.name)
