"""Campaign Statement: `ledger.statement` as a report of the desk; computes nothing of its own."""

from decimal import Decimal
from typing import Any

import frappe
from frappe import _

from crm_relations.ledger.api import check_company
from crm_relations.ledger.statement import CampaignFigures, Statement, company_or_default, statement

FIGURES = ("revenue", "credit_notes", "tax", "receivable_open", "cash_received")
#: further figures of a campaign
MORE = (
	"by_rule",
	"discounts",
	"cost_of_goods",
	"margin",
	"campaign_cost",
	"return_percent",
	"receivable_overdue",
	"write_offs",
	"exchange_difference",
)
#: a cell without a value stays empty: 0.00 would be a statement
_BLANK_FIGURES = dict.fromkeys((*FIGURES, *MORE))
_BLANK_SIDES = {"debit": None, "credit": None}


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart and summary of the report; amounts in the company's currency."""
	filters = frappe._dict(filters or {})
	company = company_or_default(filters.company)
	check_company(company)
	if filters.members_of:
		frappe.has_permission("Relation Segment", "read", doc=filters.members_of, throw=True)
	result = statement(
		company,
		campaigns_of(filters),
		filters.from_date or None,
		filters.to_date or None,
		filters.salesperson or None,
		filters.members_of or None,
	)
	return columns(), rows(result), message(result), chart(result), summary(result)


def campaigns_of(filters: frappe._dict) -> list[str] | None:
	"""The campaigns that are named, or that address the segment, or that do both; None for all.

	:raises frappe.ValidationError: no campaign is left
	"""
	named = frappe.parse_json(filters.campaigns) or None
	if not filters.segment:
		return named
	frappe.has_permission("Relation Segment", "read", doc=filters.segment, throw=True)
	addressing = frappe.get_all(
		"Relation Campaign", filters={"segment": filters.segment}, pluck="name", order_by="name asc"
	)
	found = [name for name in addressing if not named or name in named]
	if not found:
		frappe.throw(
			_("Campaigns for Segment: no campaign of these addresses {0}. Choose another segment.").format(
				filters.segment
			)
		)
	return found


def columns() -> list[dict[str, Any]]:
	labels = {
		"revenue": _("Revenue"),
		"credit_notes": _("Credit Notes"),
		"tax": _("Tax"),
		"receivable_open": _("Receivables Open"),
		"cash_received": _("Cash Received"),
	}
	more = {
		"by_rule": _("Of it by Rule"),
		"discounts": _("Discounts"),
		"cost_of_goods": _("Cost of Goods"),
		"margin": _("Margin"),
		"campaign_cost": _("Campaign Cost"),
		"return_percent": _("Return in Percent"),
		"receivable_overdue": _("Overdue"),
		"write_offs": _("Write-Offs"),
		"exchange_difference": _("Exchange Difference"),
	}
	return [
		{"fieldname": "campaign", "label": _("Campaign or Account"), "fieldtype": "Data", "width": 260},
		*(
			{
				"fieldname": name,
				"label": label,
				"fieldtype": "Currency",
				"options": "currency",
				"width": 140 if name == "receivable_open" else 116,
			}
			for name, label in labels.items()
		),
		*(
			{
				"fieldname": name,
				"label": label,
				"fieldtype": "Percent" if name == "return_percent" else "Currency",
				**({} if name == "return_percent" else {"options": "currency"}),
				"width": 116,
			}
			for name, label in more.items()
		),
		{"fieldname": "root_type", "label": _("Root Type"), "fieldtype": "Data", "width": 90},
		{
			"fieldname": "debit",
			"label": _("Debit"),
			"fieldtype": "Currency",
			"options": "currency",
			"width": 105,
		},
		{
			"fieldname": "credit",
			"label": _("Credit"),
			"fieldtype": "Currency",
			"options": "currency",
			"width": 105,
		},
		{"fieldname": "currency", "label": _("Currency"), "fieldtype": "Data", "hidden": 1},
	]


def rows(result: Statement) -> list[dict[str, Any]]:
	"""A row a campaign with its accounts below it, then what closes the circle to the ledger."""
	found = []
	for figures in result.campaigns:
		found.append(_campaign(figures, result.currency))
		found += [
			{
				"campaign": row.account,
				"account": row.account,
				"parent_campaign": figures.campaign,
				"root_type": _(row.root_type),
				"debit": float(row.debit),
				"credit": float(row.credit),
				"currency": result.currency,
				"indent": 1,
				**_BLANK_FIGURES,
			}
			for row in result.accounts
			if row.campaign == figures.campaign
		]
	if result.other_campaigns:
		found.append(_total(_("Other campaigns"), result.other_campaigns, result.currency))
	found += [
		_total(_("Not attributed"), result.not_attributed, result.currency),
		_total(_("Income in the ledger"), result.ledger_income, result.currency, bold=1),
		_total(_("Difference"), result.difference, result.currency, bold=1, is_difference=1),
	]
	return found


def _campaign(figures: CampaignFigures, currency: str) -> dict[str, Any]:
	amounts = {name: float(getattr(figures, name)) for name in FIGURES}
	return {
		"campaign": figures.campaign,
		**amounts,
		**{
			name: None if (value := getattr(figures, name)) is None else float(round(value, 2))
			for name in MORE
		},
		**_BLANK_SIDES,
		"currency": currency,
		"indent": 0,
		"is_campaign": 1,
	}


def _total(label: str, amount: Decimal, currency: str, **more: Any) -> dict[str, Any]:
	return {
		"campaign": label,
		**_BLANK_FIGURES,
		**_BLANK_SIDES,
		"revenue": float(amount),
		"currency": currency,
		"indent": 0,
		**more,
	}


def message(result: Statement) -> str | None:
	"""The vouchers that make the difference, if there is one."""
	if not result.problems:
		return None
	named = ", ".join(
		f"{frappe.utils.get_link_to_form(p.voucher_type, p.voucher_no)} ({p.difference})"
		for p in result.problems[:20]
	)
	return _("Attribution and ledger differ in: {0}").format(named)


def chart(result: Statement) -> dict[str, Any] | None:
	if not result.campaigns:
		return None
	return {
		"data": {
			"labels": [row.campaign for row in result.campaigns],
			"datasets": [
				{"name": _("Revenue"), "values": [float(row.revenue) for row in result.campaigns]},
				{
					"name": _("Cash Received"),
					"values": [float(row.cash_received) for row in result.campaigns],
				},
			],
		},
		"type": "bar",
		"fieldtype": "Currency",
		"currency": result.currency,
	}


def summary(result: Statement) -> list[dict[str, Any]]:
	def card(label: str, amount: Decimal, indicator: str) -> dict[str, Any]:
		return {
			"label": label,
			"value": float(amount),
			"datatype": "Currency",
			"currency": result.currency,
			"indicator": indicator,
		}

	return [
		card(_("Attributed to campaigns"), result.attributed + result.other_campaigns, "Green"),
		card(_("Not attributed"), result.not_attributed, "Blue"),
		card(_("Income in the ledger"), result.ledger_income, "Blue"),
		card(_("Difference"), result.difference, "Red" if result.difference else "Green"),
	]
