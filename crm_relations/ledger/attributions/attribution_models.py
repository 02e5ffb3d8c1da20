"""Attribute invoices without a document flow by attribution models over the customer's responses.

Pure Python: imports no frappe and writes nothing. A touchpoint is a response of the customer to a campaign: a
click, a reply, a call, a letter. A message that was only sent, opened or declined is not a touchpoint. The
models follow the literature on multi-touch attribution (R. Berman, *Beyond the Last Touch*, Marketing Science
37, 2018):

* Last Touch, First Touch: the campaign of the last or first response gets the whole invoice;
* Linear: each response counts the same;
* Time Decay: a response counts half as much as one that came a half-life later.

Only responses within N days before the invoice count. The shares add up to exactly 1.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from crm_relations.shared.money import allocate

LAST, FIRST, LINEAR, DECAY = RULES = ("Last Touch", "First Touch", "Linear", "Time Decay")
#: types of responses that count for a campaign, and the answers that rule a response out
TYPES = ("Reply", "Click", "Call", "Letter")
REFUSALS = ("Not Interested", "Not Reached")
SHARE_UNIT = Decimal("0.000000001")
ONE = Decimal("1.000000000")


@dataclass(frozen=True)
class Touch:
	"""A response that may count (touchpoint)."""

	name: str
	campaign: str
	at: datetime
	kind: str = "Reply"


@dataclass(frozen=True)
class Policy:
	"""The attribution rule of a company."""

	rule: str
	days: int
	half_life_days: float = 7.0


def counted(touches: Iterable[Touch], policy: Policy, invoiced_at: datetime) -> list[Touch]:
	"""Return the touchpoints within the rule's days before the invoice, oldest first."""
	since = invoiced_at - timedelta(days=policy.days)
	return sorted(
		(touch for touch in touches if since <= touch.at <= invoiced_at),
		key=lambda touch: (touch.at, touch.name),
	)


def weights(touches: list[Touch], policy: Policy) -> list[Decimal]:
	"""Return the weight of each counted touchpoint.

	The newest has weight 1 unless the model says otherwise.
	"""
	if policy.rule == LAST:
		return [Decimal(int(i == len(touches) - 1)) for i in range(len(touches))]
	if policy.rule == FIRST:
		return [Decimal(int(i == 0)) for i in range(len(touches))]
	if policy.rule == LINEAR:
		return [Decimal(1)] * len(touches)
	if policy.rule != DECAY:
		raise ValueError(f"no such rule: {policy.rule}")
	if not touches:
		return []
	newest = touches[-1].at
	half_life = timedelta(days=policy.half_life_days) / timedelta(days=1)
	ages = [(newest - touch.at) / timedelta(days=1) for touch in touches]
	return [Decimal(repr(0.5 ** (age / half_life))) for age in ages]


def shares(touches: Iterable[Touch], policy: Policy, invoiced_at: datetime) -> dict[str, Decimal]:
	"""Return campaign → its share of the invoice, largest first. Shares have nine places and add up to 1.

	Return an empty dict if there is no touchpoint.
	"""
	found = counted(touches, policy, invoiced_at)
	if not found:
		return {}
	by_campaign: dict[str, Decimal] = defaultdict(Decimal)
	for touch, weight in zip(found, weights(found, policy), strict=True):
		by_campaign[touch.campaign] += weight
	order = sorted(by_campaign, key=lambda campaign: (-by_campaign[campaign], campaign))
	parts = allocate(ONE, [by_campaign[campaign] for campaign in order], SHARE_UNIT)
	return {campaign: part for campaign, part in zip(order, parts, strict=True) if part}
