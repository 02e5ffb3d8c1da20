"""Campaign Statement: `ledger.statement` as a report of the desk; computes nothing of its own."""

from decimal import Decimal
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from crm_relations.ledger.api import statement_for_reader
from crm_relations.ledger.consolidation import Consolidated, Part
from crm_relations.ledger.report_cards import card, difference_card
from crm_relations.ledger.statement import AccountRow, CampaignFigures, Statement
from crm_relations.ledger.statement_print import closing_lines, figure_labels, selection_lines

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
	"""Columns, rows, message, chart and summary of the report; amounts in the company's currency, of several companies in the
	presentation currency."""
	filters = frappe._dict(filters or {})
	result = statement_for_reader(
		frappe._dict(
			company=filters.company,
			campaigns=campaigns_of(filters),
			from_date=filters.from_date,
			to_date=filters.to_date,
			salesperson=filters.salesperson,
			segment=filters.members_of,
			consolidated=cint(filters.consolidated),
			currency=filters.presentation_currency,
		)
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
	labels = figure_labels()

	def amount(name: str, label: str, width: int = 116) -> dict[str, Any]:
		column = {"fieldname": name, "label": label, "fieldtype": "Currency", "options": "currency"}
		if name == "return_percent":
			column = {"fieldname": name, "label": label, "fieldtype": "Percent"}
		return {**column, "width": width}

	return [
		{"fieldname": "campaign", "label": _("Campaign or Account"), "fieldtype": "Data", "width": 260},
		*(
			amount(name, labels[name], 150 if name == "receivable_open" else 130)
			for name in (*FIGURES, *MORE)
		),
		{"fieldname": "root_type", "label": _("Root Type"), "fieldtype": "Data", "width": 90},
		amount("debit", _("Debit"), 105),
		amount("credit", _("Credit"), 105),
		{
			"fieldname": "currency",
			"label": _("Currency"),
			"fieldtype": "Link",
			"options": "Currency",
			"width": 80,
		},
	]


def rows(result: Statement) -> list[dict[str, Any]]:
	"""A row a campaign with its accounts below it, then what closes the circle to the ledger. Of several companies, each has a
	row below the campaign, in its own currency, and its accounts below that."""
	found = []
	for figures in result.campaigns:
		found.append(_campaign(figures, result.currency))
		if isinstance(result, Consolidated):
			for part in result.parts:
				found += _company(part, figures.campaign)
		else:
			found += _accounts(result, figures.campaign, figures.campaign, 1)
	for key, label, amount in closing_lines(result)[1:]:
		found.append({**_total(label, amount, result.currency), "closing": key})
	found[-1] |= {"bold": 1, "is_difference": 1}
	found[-2]["bold"] = 1
	return found


def _company(part: Part, campaign: str) -> list[dict[str, Any]]:
	own = part.statement
	figures = next(row for row in own.campaigns if row.campaign == campaign) if own.campaigns else None
	accounts = _accounts(own, campaign, f"{campaign}: {own.company}", 2)
	if not figures or not (accounts or any(getattr(figures, name) for name in FIGURES)):
		return []
	row = _campaign(figures, own.currency)
	row |= {"campaign": own.company, "company": own.company, "parent_campaign": campaign, "indent": 1}
	row["of_campaign"] = campaign
	row.pop("is_campaign")
	return [row, *accounts]


def _accounts(result: Statement, campaign: str, parent: str, indent: int) -> list[dict[str, Any]]:
	return [_account(row, result, parent, indent) for row in result.accounts if row.campaign == campaign]


def _account(row: AccountRow, result: Statement, parent: str, indent: int) -> dict[str, Any]:
	return {
		"campaign": row.account,
		"account": row.account,
		"of_campaign": row.campaign,
		"company": result.company,
		"parent_campaign": parent,
		"root_type": _(row.root_type),
		"debit": float(row.debit),
		"credit": float(row.credit),
		"currency": result.currency,
		"indent": indent,
		**_BLANK_FIGURES,
	}


def _campaign(figures: CampaignFigures, currency: str) -> dict[str, Any]:
	return {
		"campaign": figures.campaign,
		**{
			name: None if (value := getattr(figures, name)) is None else float(round(value, 2))
			for name in (*FIGURES, *MORE)
		},
		**_BLANK_SIDES,
		"currency": currency,
		"indent": 0,
		"is_campaign": 1,
	}


def _total(label: str, amount: Decimal, currency: str) -> dict[str, Any]:
	return {
		"campaign": label,
		**_BLANK_FIGURES,
		**_BLANK_SIDES,
		"revenue": float(amount),
		"currency": currency,
		"indent": 0,
	}


def message(result: Statement) -> str | None:
	"""The vouchers that make the difference, if there is one; what was selected, and at which rates it was converted."""
	lines = [frappe.utils.escape_html(line) for line in selection_lines(result)]
	if isinstance(result, Consolidated):
		lines += [frappe.utils.escape_html(line) for line in result.basis]
	if result.problems:
		named = ", ".join(
			f"{frappe.utils.get_link_to_form(p.voucher_type, p.voucher_no)} ({p.difference})"
			for p in result.problems[:20]
		)
		lines.append(_("Attribution and ledger differ in: {0}").format(named))
	return "<br>".join(lines) or None


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
	cards = [
		card(
			_("Attributed to campaigns"), result.attributed + result.other_campaigns, result.currency, "Green"
		),
		card(_("Not attributed"), result.not_attributed, result.currency, "Blue"),
	]
	if result.salesperson or result.segment:
		cards.append(card(_("Not in the selection"), result.not_in_selection, result.currency, "Blue"))
	return [
		*cards,
		card(_("Income in the ledger"), result.ledger_income, result.currency, "Blue"),
		difference_card(result.difference, result.currency),
	]
