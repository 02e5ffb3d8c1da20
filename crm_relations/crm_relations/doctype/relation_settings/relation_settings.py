# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

import frappe
from frappe import _
from frappe.utils import cint

from crm_relations.ledger import dimension
from crm_relations.relations.profiles import completeness
from crm_relations.setup import custom_fields
from crm_relations.shared.access.documents import RelationDocument


class RelationSettings(RelationDocument):
	"""Switches and defaults."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_absence.relation_absence import RelationAbsence
		from crm_relations.crm_relations.doctype.relation_completeness_field.relation_completeness_field import (
			RelationCompletenessField,
		)

		from crm_relations.crm_relations.doctype.relation_objection_notice.relation_objection_notice import (
			RelationObjectionNotice,
		)

		absences: DF.Table[RelationAbsence]
		attribute_invoices: DF.Check
		batch_size: DF.Int
		call_limit: DF.Int
		call_limit_days: DF.Int
		calls_need_consent: DF.Check
		campaign_dimension: DF.Check
		campaigns_need_approval: DF.Check
		completeness_fields: DF.Table[RelationCompletenessField]
		contact_limit: DF.Int
		contact_limit_days: DF.Int
		default_company: DF.Link | None
		default_country: DF.Link | None
		default_email_account: DF.Link | None
		existing_customer_months: DF.Int
		legal_notice: DF.SmallText | None
		letter_limit: DF.Int
		letter_limit_days: DF.Int
		live_site: DF.SmallText | None
		messages_per_minute: DF.Int
		messages_per_minute_and_domain: DF.Int
		objection_notices: DF.Table[RelationObjectionNotice]
		opt_in_days: DF.Int
		privacy_url: DF.Data | None
		public_sign_up: DF.Check
		segment_minutes: DF.Int
		soft_bounce_limit: DF.Int
		total_limit: DF.Int
		total_limit_days: DF.Int
		unused_consent_years: DF.Int
	# end: auto-generated types

	def validate(self) -> None:
		self.check_batch_size()
		self.check_dimension_rights()
		completeness.check_settings(self)

	def on_update(self) -> None:
		self.switch_dimension()
		completeness.recompute_if_changed(self)

	def check_batch_size(self) -> None:
		if cint(self.batch_size) < 1:
			frappe.throw(_("Messages per Job: enter a number of 1 or more."))

	def check_dimension_rights(self) -> None:
		"""Check that the user may change the dimension: the switch changes the accounts' forms and tables."""
		if self.has_value_changed("campaign_dimension") and not self.flags.ignore_permissions:
			ptype = "create" if self.campaign_dimension else "delete"
			frappe.has_permission("Accounting Dimension", ptype, throw=True)

	def switch_dimension(self) -> None:
		if not self.has_value_changed("campaign_dimension"):
			return
		if self.campaign_dimension:
			dimension.switch_on()
		else:
			dimension.switch_off()
			custom_fields.create()  # ERPNext's own deletion of the dimension may have taken ours with it
