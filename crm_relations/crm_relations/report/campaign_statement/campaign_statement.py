"""Campaign Statement: `ledger.statement` as a report of the desk; computes nothing of its own."""

from decimal import Decimal
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from crm_relations.ledger.api import statement_for_reader
from crm_relations.ledger.reports.cards import card, difference_card
from crm_relations.ledger.reports.statement_print import (
	closing_lines,
	figure_labels,
	ledger_labels,
	reversal_lines,
	selection_lines,
)
from crm_relations.ledger.statements.consolidation import Consolidated, Part
from crm_relations.ledger.statements.figures import (
	AMOUNTS_OF_LEDGER,
	AccountRow,
	CampaignFigures,
	LedgerRow,
	Statement,
)

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
	"cash_discounts",
	"write_offs",
	"exchange_difference",
)
#: a cell without a value stays empty: 0.00 would be a statement
_BLANK_FIGURES = dict.fromkeys((*FIGURES, *MORE))
_BLANK_SIDES = {"debit": None, "credit": None}
ROOT_TYPE = {"fieldname": "root_type", "fieldtype": "Data", "width": 120}
CURRENCY = {"fieldname": "currency", "fieldtype": "Link", "options": "Currency", "width": 95}


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart and summary of the report; amounts in the company's currency, of several companies in the
	presentation currency."""
	wanted = frappe._dict(filters or {})
	result = statement_for_reader(
		frappe._dict(
			company=wanted.company,
			campaigns=frappe.parse_json(wanted.campaigns),
			addressed_segment=wanted.segment,
			from_date=wanted.from_date,
			to_date=wanted.to_date,
			salesperson=wanted.salesperson,
			segment=wanted.members_of,
			consolidated=cint(wanted.consolidated),
			currency=wanted.presentation_currency,
		)
	)
	if cint(wanted.by_account):
		lines = [_("By account, debit less credit"), message(result)]
		said = "<br>".join(line for line in lines if line)
		return ledger_columns(result), ledger_rows(result), said, None, summary(result)
	return columns(), rows(result), message(result), chart(result), summary(result)


def columns() -> list[dict[str, Any]]:
	labels = figure_labels()
	more = [_amount(name, labels[name]) for name in MORE]
	percent = more[MORE.index("return_percent")]
	percent["fieldtype"] = "Percent"
	del percent["options"]
	return [
		{"fieldname": "campaign", "label": _("Campaign or Account"), "fieldtype": "Data", "width": 420},
		*(_amount(name, labels[name]) for name in FIGURES),
		ROOT_TYPE | {"label": _("Root Type")},
		_amount("debit", _("Debit")),
		_amount("credit", _("Credit")),
		*more,
		CURRENCY | {"label": _("Currency")},
	]


def _amount(name: str, label: str) -> dict[str, Any]:
	"""Return a column of amounts, wide enough for its name."""
	return {
		"fieldname": name,
		"label": label,
		"fieldtype": "Currency",
		"options": "currency",
		"width": max(120, 40 + 8 * len(label)),
	}


def ledger_columns(result: Statement) -> list[dict[str, Any]]:
	"""Return the rows of the ledger by account."""
	parts = [part.statement for part in result.parts] if isinstance(result, Consolidated) else [result]
	labels = {name: label for part in parts for name, label in ledger_labels(part).items()}
	order = [name for name in AMOUNTS_OF_LEDGER if name in labels]
	return [
		{"fieldname": "campaign", "label": _("Account"), "fieldtype": "Data", "width": 330},
		ROOT_TYPE | {"label": _("Root Type")},
		*(_amount(name, labels[name]) for name in order),
		CURRENCY | {"label": _("Currency")},
	]


def ledger_rows(result: Statement) -> list[dict[str, Any]]:
	"""Return a row per account with postings, debit less credit, that add up to the ledger's amount.

	With several companies, each has its accounts below it, in its own currency.
	"""
	if not isinstance(result, Consolidated):
		return [_ledger_row(row, result, None) for row in result.ledger]
	found = []
	for part in result.parts:
		own = part.statement
		found.append({"campaign": own.company, "indent": 0, "bold": 1})
		found += [_ledger_row(row, own, own.company) for row in own.ledger]
	return found


def _ledger_row(row: LedgerRow, result: Statement, parent: str | None) -> dict[str, Any]:
	return {
		"campaign": row.account,
		"ledger_account": row.account,
		"company": result.company,
		"parent_campaign": parent,
		"root_type": _(row.root_type),
		**{name: float(getattr(row, name)) for name in AMOUNTS_OF_LEDGER},
		"currency": result.currency,
		"indent": 1 if parent else 0,
	}


def rows(result: Statement) -> list[dict[str, Any]]:
	"""Return a row per campaign with its accounts below it, then the rows that reconcile it with the ledger.

	With several companies, each has a row below the campaign, in its own currency, and its accounts below
	that.
	"""
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
			name: None
			if (value := getattr(figures, name)) is None
			else float(round(value, 2) if name == "return_percent" else value)
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
	"""Return the vouchers behind the difference, if there is one; the selection, and the rates of the
	conversion.
	"""
	lines = [frappe.utils.escape_html(line) for line in selection_lines(result)]
	if isinstance(result, Consolidated):
		lines += [frappe.utils.escape_html(line) for line in result.basis]
	lines += [frappe.utils.escape_html(line) for line in reversal_lines(result)]
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
	if result.settled_income:
		label = _("Income booked by their payments")
		cards.insert(1, card(label, result.settled_income, result.currency, "Blue"))
	if result.salesperson or result.segment:
		cards.append(card(_("Not in the selection"), result.not_in_selection, result.currency, "Blue"))
	return [
		*cards,
		card(_("Income in the ledger"), result.ledger_income, result.currency, "Blue"),
		difference_card(result.difference, result.currency),
	]
