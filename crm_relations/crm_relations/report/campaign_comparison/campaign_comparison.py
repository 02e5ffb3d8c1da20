"""Campaign Comparison: campaigns side by side (`ledger.comparison`); computes nothing of its own but the sums."""

from decimal import Decimal
from typing import Any

import frappe
from frappe import _

from crm_relations.ledger.api import statement_for_reader
from crm_relations.ledger.reports.cards import card, difference_card
from crm_relations.ledger.reports.comparison import Row, compare
from crm_relations.ledger.statements.figures import Statement
from crm_relations.ledger.statements.splitting import ZERO

FIGURES = (
	"revenue",
	"cost_of_goods",
	"margin",
	"campaign_cost",
	"return_percent",
	"receivable_open",
	"receivable_overdue",
	"cash_received",
)
STAGES = ("members", "sent", "answered", "qualified", "won", "invoiced")
EFFECT = ("effect", "effect_low", "effect_high")


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart and summary; amounts of the period in the company's currency, persons of all time."""
	wanted = frappe._dict(filters or {})
	result = statement_for_reader(
		frappe._dict(
			company=wanted.company,
			campaigns=frappe.parse_json(wanted.campaigns) or None,
			from_date=wanted.from_date,
			to_date=wanted.to_date,
			salesperson=wanted.salesperson,
			segment=wanted.members_of,
		)
	)
	named = frappe.parse_json(wanted.campaigns) or None
	compared = [row for row in compare(result) if not named or row.campaign in named]
	if wanted.status:
		compared = [row for row in compared if row.status == wanted.status]
	return columns(), rows(compared, result), message(), chart(compared, result), summary(compared, result)


def columns() -> list[dict[str, Any]]:
	labels = {
		"members": _("Members"),
		"sent": _("Sent"),
		"answered": _("Answered"),
		"qualified": _("Qualified"),
		"won": _("Won"),
		"invoiced": _("Invoiced"),
		"revenue": _("Revenue"),
		"cost_of_goods": _("Cost of Goods"),
		"margin": _("Margin"),
		"campaign_cost": _("Campaign Cost"),
		"return_percent": _("Return in Percent"),
		"receivable_open": _("Outstanding Receivables"),
		"receivable_overdue": _("Overdue"),
		"cash_received": _("Cash Received"),
		"effect": _("Lift per Member"),
		"effect_low": _("At least"),
		"effect_high": _("At most"),
	}

	def column(name: str) -> dict[str, Any]:
		if name in STAGES:
			return {"fieldname": name, "label": labels[name], "fieldtype": "Int", "width": 95}
		if name == "return_percent":
			return {"fieldname": name, "label": labels[name], "fieldtype": "Percent", "width": 110}
		kind = {"fieldtype": "Currency", "options": "currency", "width": 130}
		return {"fieldname": name, "label": labels[name], **kind}

	return [
		{"fieldname": "campaign", "label": _("Campaign"), "fieldtype": "Data", "width": 220},
		{"fieldname": "status", "label": _("Status"), "fieldtype": "Data", "width": 90},
		*(column(name) for name in (*STAGES, *FIGURES, *EFFECT)),
		{"fieldname": "meaning", "label": _("Lift of the Campaign"), "fieldtype": "Data", "width": 420},
		{
			"fieldname": "currency",
			"label": _("Currency"),
			"fieldtype": "Link",
			"options": "Currency",
			"width": 80,
		},
	]


def rows(compared: list[Row], result: Statement) -> list[dict[str, Any]]:
	"""Return a row per campaign, and the sum of the amounts.

	Persons are not added up, since one may be in several campaigns.
	"""
	found = []
	for row in compared:
		change = row.effect and row.effect.revenue
		found.append(
			{
				"campaign": row.campaign,
				"status": _(row.status),
				**row.stages,
				**{name: _shown(_figure(row, name)) for name in FIGURES},
				"effect": _shown(change and change.estimate),
				"effect_low": _shown(change and change.low),
				"effect_high": _shown(change and change.high),
				"meaning": f"{row.effect.sentence} {row.effect.rate_sentence}".strip() if row.effect else "",
				"currency": result.currency,
				"is_campaign": 1,
			}
		)
	if found:
		total = _total(compared)
		blank = dict.fromkeys((*STAGES, *EFFECT))
		found.append(
			{
				"campaign": _("Sum"),
				"status": "",
				**blank,
				**{name: _shown(value) for name, value in total.items()},
				"meaning": "",
				"currency": result.currency,
				"bold": 1,
			}
		)
	return found


def _figure(row: Row, name: str) -> Decimal | None:
	"""Revenue is shown with its credit notes deducted: side by side, a column of its own for them says little."""
	if name == "revenue":
		return row.figures.revenue + row.figures.credit_notes
	return getattr(row.figures, name)


def _total(compared: list[Row]) -> dict[str, Decimal | None]:
	total: dict[str, Decimal | None] = {}
	for name in FIGURES:
		known = [value for row in compared if (value := _figure(row, name)) is not None]
		total[name] = sum(known, ZERO) if known and name != "return_percent" else None
	if cost := total["campaign_cost"]:
		total["return_percent"] = (total["margin"] - cost) / cost * 100
	return total


def _shown(value: Decimal | float | None) -> float | None:
	return None if value is None else round(float(value), 2)


def message() -> str:
	return _(
		"Members to Invoiced: relations since the start of the campaign, each counted once. Lift per Member: revenue compared with the control group, with 95 % confidence between At least and At most."
	)


def chart(compared: list[Row], result: Statement) -> dict[str, Any] | None:
	if not compared:
		return None
	shown = compared[:20]
	series = {"revenue": _("Revenue"), "margin": _("Margin"), "campaign_cost": _("Campaign Cost")}
	return {
		"data": {
			"labels": [row.campaign for row in shown],
			"datasets": [
				{"name": label, "values": [_shown(_figure(row, name)) or 0 for row in shown]}
				for name, label in series.items()
			],
		},
		"type": "bar",
		"fieldtype": "Currency",
		"currency": result.currency,
	}


def summary(compared: list[Row], result: Statement) -> list[dict[str, Any]]:
	total = _total(compared)

	cards = [
		card(_("Revenue"), total["revenue"], result.currency, "Blue"),
		card(_("Margin"), total["margin"], result.currency, "Green"),
	]
	if total["campaign_cost"] is not None:
		cards.append(card(_("Campaign Cost"), total["campaign_cost"], result.currency, "Orange"))
	if total["return_percent"] is not None:
		cards.append(
			card(_("Return in Percent"), total["return_percent"], result.currency, "Green", "Percent")
		)
	return [*cards, difference_card(result.difference, result.currency)]
