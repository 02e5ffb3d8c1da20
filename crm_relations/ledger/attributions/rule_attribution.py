"""Compute the shares of campaigns in invoices without a document flow.

Writes nothing; `attribution` writes the rows.

A credit note has the shares of the invoice that it reverses. Each campaign loses what it gained before.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import frappe
from frappe.utils import get_datetime, get_time

from crm_relations.ledger.attributions import queries
from crm_relations.ledger.attributions.attribution_models import (
	REFUSALS,
	RULES,
	TYPES,
	Policy,
	Touch,
	counted,
	shares,
	weights,
)

NAMED = 20  #: responses that the evidence of a row names; it also gives their total number


@dataclass(frozen=True)
class RuleShares:
	"""The result of a rule: campaign → share, and campaign → evidence."""

	rule: str
	relation: str | None
	shares: dict[str, Decimal]
	evidence: dict[str, dict[str, Any]]


def policies() -> dict[str, Policy]:
	"""Return company → its rule, for companies with an enabled rule."""
	rows = frappe.get_all(
		"Relation Attribution Rule",
		filters={"enabled": 1, "rule": ["in", RULES]},
		fields=["company", "rule", "days", "half_life_days"],
		order_by="company asc",
	)
	return {row.company: Policy(row.rule, row.days, row.half_life_days or 7.0) for row in rows}


def shares_of(invoices: Sequence[Any], fresh: bool = False) -> dict[str, RuleShares]:
	"""Return invoice → shares by rule, in a fixed number of queries.

	Invoices without a touchpoint are left out.

	:param invoices: posted ones without a campaign: name, company, customer, relation, posting_date,
		posting_time, return_against
	:param fresh: compute credit notes from the responses too, and not from the rows of the invoices that
		they reverse
	"""
	rules = policies()
	invoices = [invoice for invoice in invoices if invoice.company in rules]
	if not invoices:
		return {}
	returned = [invoice.return_against for invoice in invoices if invoice.get("return_against")]
	kept = {} if fresh or not returned else _kept(returned)
	originals = {row.name: row for row in queries.invoices_returned(returned)} if returned else {}
	result = {}
	asked = []
	for invoice in invoices:
		if invoice.get("return_against") in kept:
			result[invoice.name] = kept[invoice.return_against]
		else:
			asked.append((invoice, originals.get(invoice.get("return_against"), invoice)))
	return result | _reckoned(asked, rules)


def _reckoned(asked: Sequence[tuple[Any, Any]], rules: dict[str, Policy]) -> dict[str, RuleShares]:
	"""Compute shares from the responses up to each invoice, or up to the invoice that it reverses."""
	if not asked:
		return {}
	without = [source.customer for _invoice, source in asked if not source.relation]
	of_customer = queries.relations_of_customers(without) if without else {}
	moments = {invoice.name: _moment(source) for invoice, source in asked}
	relations = {
		invoice.name: source.relation or of_customer.get(source.customer) for invoice, source in asked
	}
	touches = _touches(
		{relation for relation in relations.values() if relation},
		min(moments.values()) - timedelta(days=max(rule.days for rule in rules.values())),
		max(moments.values()),
	)
	result = {}
	for invoice, _source in asked:
		relation, policy, at = relations[invoice.name], rules[invoice.company], moments[invoice.name]
		own = [
			touch for touch, company in touches.get(relation, ()) if company in (None, "", invoice.company)
		]
		if parts := shares(own, policy, at):
			result[invoice.name] = RuleShares(policy.rule, relation, parts, _evidence(own, policy, at))
	return result


def _touches(relations: Iterable[str], since: datetime, until: datetime) -> dict[str, list[tuple]]:
	"""Return relation → (touchpoint, company of its campaign)."""
	found = defaultdict(list)
	names = sorted(relations)
	for row in queries.answers(names, TYPES, REFUSALS, since, until) if names else ():
		touch = Touch(row.name, row.campaign, get_datetime(row.received_at), row.response_type)
		found[row.relation].append((touch, row.company))
	return found


def _evidence(touches: Sequence[Touch], policy: Policy, at: datetime) -> dict[str, dict[str, Any]]:
	"""Return campaign → the rule as it was, and the touchpoints that count, newest first."""
	found = counted(touches, policy, at)
	by_campaign = defaultdict(list)
	for touch, weight in zip(found, weights(found, policy), strict=True):
		if weight:
			by_campaign[touch.campaign].append((touch, weight))
	rule = {"rule": policy.rule, "days": policy.days, "invoiced_at": str(at), "answers_in_all": len(found)}
	if policy.rule == "Time Decay":
		rule["half_life_days"] = policy.half_life_days
	return {
		campaign: {
			**rule,
			"answers_of_campaign": len(rows),
			"answers": [
				{"name": touch.name, "type": touch.kind, "at": str(touch.at), "weight": f"{weight:.6f}"}
				for touch, weight in rows[: -NAMED - 1 : -1]
			],
		}
		for campaign, rows in by_campaign.items()
	}


def _kept(returned: Sequence[str]) -> dict[str, RuleShares]:
	"""Return invoice → the shares that its rows have now."""
	rows = defaultdict(list)
	for row in queries.rule_rows_of(returned):
		rows[row.voucher_no].append(row)
	return {
		name: RuleShares(
			of_invoice[0].rule,
			of_invoice[0].relation,
			{row.campaign: Decimal(str(row.share)) for row in of_invoice},
			{row.campaign: frappe.parse_json(row.evidence or "{}") for row in of_invoice},
		)
		for name, of_invoice in rows.items()
	}


def _moment(invoice: Any) -> datetime:
	"""Return day and time of the posting."""
	time = (
		get_time(str(invoice.posting_time))
		if invoice.get("posting_time") is not None
		else get_time("23:59:59")
	)
	return datetime.combine(get_datetime(invoice.posting_date).date(), time)
