"""Draw the control group: members that are not addressed, so that the lift of a campaign can be measured.

Sets the seed of a campaign that is being saved; `member_status` holds the members out. The order is a
digest of the campaign's seed and the relation: the same seed holds out the same relations.
"""

from decimal import ROUND_HALF_UP, Decimal

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count, Sum

from crm_relations.campaigns.members import member_status
from crm_relations.segments.compilation.selection import drawing_order
from crm_relations.shared.refusals import refuse

MEMBER = "Relation Campaign Member"
MAX_PERCENT = 50


def check(campaign: Document) -> None:
	"""Check the share before a campaign is saved, and set a seed if there is a share.

	:raises frappe.ValidationError: names the field and the remedy
	"""
	share = campaign.control_group_percent or 0
	if not 0 <= share <= MAX_PERCENT:
		refuse(_("Control Group: enter a share between 0 and {0} percent."), MAX_PERCENT)
	if share and not (campaign.control_group_seed or "").strip():
		campaign.control_group_seed = frappe.generate_hash(length=8)


def hold_out(campaign: Document) -> int:
	"""Draw the control group among the members that have no planned sends yet; returns the number of drawn
	members.

	The share is a share of all members, rounded to whole members, halves upwards. Members that are enrolled
	later are drawn so that the share stays. Relations are counted, not enrollments: a relation that has
	been addressed before is never held out.
	"""
	share = Decimal(str(campaign.control_group_percent or 0)) / 100
	if not share:
		return 0
	member, send = DocType(MEMBER), DocType("Relation Campaign Send")
	total, held_out = (
		frappe.qb.from_(member)
		.select(Count("*"), Coalesce(Sum(member.held_out), 0))
		.where((member.campaign == campaign.name) & (member.enrollment_no == 1))
		.run()[0]
	)
	number = int((total * share).quantize(Decimal(1), ROUND_HALF_UP)) - int(held_out)
	if number <= 0:
		return 0
	addressed = frappe.qb.from_(send).select(send.member).where(send.campaign == campaign.name)
	names = (
		frappe.qb.from_(member)
		.select(member.name)
		.where((member.campaign == campaign.name) & (member.enrollment_no == 1) & (member.held_out == 0))
		.where(member.name.notin(addressed))
		.orderby(drawing_order(campaign.control_group_seed, member.relation))
		.orderby(member.relation)
		.limit(number)
		.run(pluck=True)
	)
	return member_status.hold_out(names)
