"""Measure what a campaign changed: revenue per member and rate of buyers of the addressed members, against
the control group, which was drawn at random and not addressed. Reads only.

By intention to treat: every member counts in the group it was drawn into, even if it got no email, left
early or declined. A relation with several enrollments counts once, from the first one on. A member's
revenue is the net amount (company's currency, credit notes deducted) of the sales invoices dated after its
enrollment (`purchases`), for any goods, up to the campaign's last day. As in the figures of a relation,
opening invoices and transfers inside one company are left out.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import frappe
from frappe import _
from frappe.query_builder import Case, DocType
from frappe.query_builder.functions import Coalesce, Count, Max, Min, Sum
from frappe.utils import fmt_money, getdate, nowdate
from pypika.terms import Criterion

from crm_relations.campaigns.eligibility import purchases
from crm_relations.campaigns.reporting import lift_rules as rules
from crm_relations.relations.facts.sources import is_sale, is_sold
from crm_relations.shared.money import to_decimal, to_string

MEMBER, INVOICE = "Relation Campaign Member", "Sales Invoice"
GROUPS = {0: "addressed", 1: "control"}


@dataclass
class Effect:
	"""The lift of a campaign. `revenue` and `rate` are None if the data do not suffice; `reason` then says
	why.
	"""

	campaign: str
	company: str | None
	currency: str
	until: str
	groups: dict[str, rules.Group] = field(default_factory=dict)
	revenue: rules.Interval | None = None
	rate: rules.Interval | None = None
	reason: str = ""

	@property
	def sentence(self) -> str:
		"""Describe the change of revenue."""
		if not self.revenue:
			return self.reason
		low, high = self._money(self.revenue.low), self._money(self.revenue.high)
		text = _("With 95 % confidence, the campaign changed revenue by between {0} and {1} per member.")
		proof = "" if self.revenue.proves_a_change else _("A lift is not proven.")
		return f"{text.format(low, high)} {proof}".strip()

	@property
	def rate_sentence(self) -> str:
		"""Describe the change of the rate of buyers; empty if the data do not suffice."""
		if not self.rate:
			return ""
		low, high = (fmt_money(100 * value, 1) for value in (self.rate.low, self.rate.high))
		text = _("Its share of members with an invoice changed by between {0} and {1} percentage points.")
		return text.format(low, high)

	def _money(self, value: float) -> str:
		return fmt_money(to_decimal(value), 2, self.currency)

	def as_dict(self, with_amounts: bool = True) -> dict[str, Any]:
		"""Return the lift as a dict.

		`campaign`, `company`, `currency`, `until`, `confidence` (percent), `addressed` and `control`
		(`members`, `buyers`, `revenue`, `per_member`), `revenue` (per member: `difference`, `low`, `high`;
		`total_low`, `total_high`: of all addressed members), `rate` (percentage points), `sentence`,
		`rate_sentence`, `reason`, `method`. Amounts are decimal strings; without amounts they are None.
		"""
		shown = {
			"campaign": self.campaign,
			"company": self.company,
			"currency": self.currency,
			"until": self.until,
			"confidence": round(rules.CONFIDENCE * 100),
			**{
				name: {
					"members": one.members,
					"buyers": one.buyers,
					"revenue": to_string(one.total) if with_amounts else None,
					"per_member": to_string(one.mean) if with_amounts else None,
				}
				for name, one in self.groups.items()
			},
			"revenue": None,
			"rate": None,
			"reason": self.reason,
			"sentence": self.sentence if with_amounts else "",
			"rate_sentence": self.rate_sentence,
			"method": method(),
		}
		if self.rate:
			shown["rate"] = {
				"difference": _points(self.rate.estimate),
				"low": _points(self.rate.low),
				"high": _points(self.rate.high),
			}
		if self.revenue and with_amounts:
			members = self.groups["addressed"].members
			shown["revenue"] = {
				"difference": to_string(self.revenue.estimate),
				"low": to_string(self.revenue.low),
				"high": to_string(self.revenue.high),
				"total_low": to_string(self.revenue.low * members),
				"total_high": to_string(self.revenue.high * members),
			}
		return shown


def method() -> str:
	"""Describe how the intervals are calculated, for readers who want to check."""
	return _(
		"Revenue: Welch's t with the skewness removed (Hall 1992; Zhou and Dinh 2005). Share with an invoice: Newcombe 1998, method 10. All members count in the group they were drawn into."
	)


def effects(campaigns: list[str]) -> dict[str, Effect]:
	"""Return campaign → what it changed; two queries for all of them."""
	if not campaigns:
		return {}
	found = {row.name: _effect(row) for row in _campaigns(campaigns)}
	members = _members(campaigns)
	revenues = _revenues(found)
	for name, effect in found.items():
		for held_out, group in GROUPS.items():
			amounts = revenues.get((name, held_out), [])
			effect.groups[group] = rules.group(
				members.get((name, held_out), 0),
				sum(buyer for _amount, buyer in amounts),
				(float(amount) for amount, _buyer in amounts if amount),
			)
		_compare(effect)
	return found


def effect(campaign: str) -> Effect:
	"""Return what one campaign changed."""
	return effects([campaign])[campaign]


def _compare(effect: Effect) -> None:
	addressed, control = effect.groups["addressed"], effect.groups["control"]
	effect.rate = rules.difference_of_rates(addressed, control)
	effect.revenue = rules.difference_of_means(addressed, control)
	if effect.revenue:
		return
	if not effect.company:
		effect.rate = None
		effect.reason = _("No result possible: the campaign has no company, and no default company is set.")
	elif not control.members:
		effect.reason = _(
			"No result possible: the campaign has no control group. Enter a share under Control Group before the start."
		)
	elif not effect.rate:
		effect.reason = _(
			"No result possible: the groups are too small. Each needs {0} members; {1} are addressed and {2} are in the control group."
		).format(rules.MIN_MEMBERS, addressed.members, control.members)
	else:
		effect.reason = _(
			"No result for revenue possible: too few members have bought. Each group needs {0} buyers; {1} are addressed and {2} are in the control group."
		).format(rules.MIN_BUYERS, addressed.buyers, control.buyers)


def _campaigns(names: list[str]) -> list[frappe._dict]:
	campaign = DocType("Relation Campaign")
	query = frappe.qb.from_(campaign).select(campaign.name, campaign.company, campaign.end_date)
	return query.where(campaign.name.isin(names)).orderby(campaign.name).run(as_dict=True)


def _effect(row: frappe._dict) -> Effect:
	company = row.company or frappe.db.get_single_value("Relation Settings", "default_company")
	if not company:
		companies = frappe.get_all("Company", pluck="name", order_by="name asc", limit=2)
		company = companies[0] if len(companies) == 1 else None
	currency = frappe.get_cached_value("Company", company, "default_currency") if company else ""
	until = min(getdate(row.end_date or nowdate()), getdate(nowdate()))
	return Effect(row.name, company, currency or "", str(until))


def _drawn(campaigns: list[str]) -> Any:
	"""Return the sub-query of campaign, relation, the first enrollment, and whether it was ever held out."""
	member = DocType(MEMBER)
	return (
		frappe.qb.from_(member)
		.select(
			member.campaign,
			member.relation,
			Min(member.entered).as_("entered"),
			Max(member.held_out).as_("held_out"),
		)
		.where(member.campaign.isin(campaigns))
		.groupby(member.campaign, member.relation)
		.as_("drawn")
	)


def _members(campaigns: list[str]) -> dict[tuple[str, int], int]:
	drawn = _drawn(campaigns)
	query = frappe.qb.from_(drawn).select(drawn.campaign, drawn.held_out, Count("*"))
	rows = query.groupby(drawn.campaign, drawn.held_out).run()
	return {(campaign, int(held_out or 0)): number for campaign, held_out, number in rows}


def _revenues(effects: dict[str, Effect]) -> dict[tuple[str, int], list[tuple[Decimal, int]]]:
	"""Return (campaign, held out) → (net amount, 1 if the member has an invoice and not only a credit
	note), one pair per member.
	"""
	drawn, invoice, campaign = _drawn(list(effects)), DocType(INVOICE), DocType("Relation Campaign")
	companies = Case()
	for effect in effects.values():
		companies = companies.when(drawn.campaign == effect.campaign, effect.company or "")
	rows = (
		frappe.qb.from_(drawn)
		.join(campaign)
		.on(campaign.name == drawn.campaign)
		.join(invoice)
		.on((invoice.relation == drawn.relation) & purchases.since(invoice, INVOICE, drawn.entered))
		.select(
			drawn.campaign,
			drawn.held_out,
			Sum(invoice.base_net_total),
			Max(Case().when(is_sale(invoice), 1).else_(0)),
		)
		.where(is_sold(invoice) & (invoice.company == companies))
		.where(invoice.posting_date <= Coalesce(campaign.end_date, nowdate()))
		.where(_not_amended_from_earlier(drawn, invoice))
		.groupby(drawn.campaign, drawn.held_out, drawn.relation)
		.run()
	)
	found: dict[tuple[str, int], list[tuple[Decimal, int]]] = {}
	for name, held_out, amount, buyer in rows:
		found.setdefault((name, int(held_out or 0)), []).append((to_decimal(amount), int(buyer)))
	return found


def _not_amended_from_earlier(drawn: Any, invoice: Any) -> Criterion:
	"""Leave out invoices that amend a purchase from before the enrollment."""
	query = frappe.qb.from_(drawn).join(invoice).on(invoice.relation == drawn.relation)
	earlier = purchases.earlier_amendments(query, invoice, INVOICE, drawn.entered, drawn.campaign)
	return Criterion.all(
		((drawn.campaign == campaign) & (invoice.name == name)).negate() for name, campaign in earlier
	)


def _points(rate: float) -> str:
	"""Format a difference of rates in percentage points, with one decimal."""
	return f"{100 * rate:.1f}"
