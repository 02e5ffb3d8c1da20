# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.profiles import completeness, history, profile
from crm_relations.relations.roles_and_stages import roles
from crm_relations.shared.access.documents import RelationDocument


class Relation(RelationDocument):
	"""One person or organization: the customer file."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_role.relation_role import RelationRole
		from crm_relations.crm_relations.doctype.relation_contact_point.relation_contact_point import (
			RelationContactPoint,
		)
		from crm_relations.crm_relations.doctype.relation_party.relation_party import RelationParty

		address_line: DF.Data | None
		age_group: DF.Link | None
		annual_revenue: DF.Currency
		buying_behaviour: DF.Link | None
		city: DF.Data | None
		completeness: DF.Percent
		contact_points: DF.Table[RelationContactPoint]
		country: DF.Link | None
		date_of_birth: DF.Date | None
		designation: DF.Data | None
		disabled: DF.Check
		education: DF.Link | None
		email_id: DF.Data | None
		employees: DF.Int
		first_name: DF.Data | None
		gender: DF.Link | None
		image: DF.Data | None
		income_group: DF.Link | None
		industry: DF.Link | None
		language: DF.Link | None
		last_name: DF.Data | None
		market_orientation: DF.Link | None
		mobile_no: DF.Data | None
		notes: DF.SmallText | None
		parties: DF.Table[RelationParty]
		phone: DF.Data | None
		pincode: DF.Data | None
		relation_kind: DF.Literal["Person", "Organisation"]
		relation_name: DF.Data
		responsible: DF.Link | None
		revenue_currency: DF.Link | None
		risk_attitude: DF.Link | None
		roles: DF.Table[RelationRole]
		salutation: DF.Link | None
		stage: DF.Link | None
		stage_since: DF.Date | None
		territory: DF.Link | None
		uid: DF.Data | None
		website: DF.Data | None
	# end: auto-generated types

	def validate(self) -> None:
		profile.clean_name(self)
		profile.clean_email(self)
		profile.clean_points(self)
		profile.check_options(self)
		profile.check_kind(self)
		profile.check_employees(self)
		roles.validate_manual_roles(self)
		completeness.measure(self)

	def on_update(self) -> None:
		roles.apply_manual_roles(self)

	def on_trash(self) -> None:
		roles.forget(self)
		history.forget(self)
