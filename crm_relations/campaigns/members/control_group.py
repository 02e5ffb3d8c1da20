"""The control group: members that are drawn at random and not addressed, so that what a campaign changed can be
told from what would have happened anyway. Sole writer of `held_out` of Relation Campaign Member.

Drawn by a digest of the campaign's seed and the relation: the same seed holds out the same relations.
"""

from decimal import ROUND_HALF_UP, Decimal

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce, Count, Sum

from crm_relations.campaigns import rules
from crm_relations.segments.compilation.selection import drawing_order
from crm_relations.shared.refusals import refuse

MEMBER = "Relation Campaign Member"
MAX_PERCENT = 50
_CHUNK = 1000


def check(campaign: Document) -> None:
	"""Before a campaign is saved: a share that makes sense, and a seed if there is a share.

	:raises frappe.ValidationError: names the field and the remedy
	"""
	share = campaign.control_group_percent or 0
	if not 0 <= share <= MAX_PERCENT:
		refuse(_("Control Group: enter a share between 0 and {0} percent."), MAX_PERCENT)
	if share and not (campaign.control_group_seed or "").strip():
		campaign.control_group_seed = frappe.generate_hash(length=8)


def hold_out(campaign: Document) -> int:
	"""Draw the control group among the members for whom nothing is planned yet; returns how many are held out.

	The share is one of all members, rounded to whole ones, halves upwards. Of members that are taken in later, as many
	are drawn as keep the share. Persons are counted, not enrollments: who has been addressed before is never held out.
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
	for start in range(0, len(names), _CHUNK):
		(
			frappe.qb.update(member)
			.set(member.held_out, 1)
			.set(member.status, rules.CONTROL_GROUP)
			.where(member.name.isin(names[start : start + _CHUNK]))
			.run()
		)
	return len(names)
