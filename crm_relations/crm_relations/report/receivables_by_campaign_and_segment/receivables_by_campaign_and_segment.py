"""Receivables by Campaign and Segment: what is open, and how old, from the payment ledger (`ledger.receivables`)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from crm_relations.ledger.api import READERS, check_company, check_members_of
from crm_relations.ledger.reports.cards import card, difference_card
from crm_relations.ledger.reports.receivables import (
	BUCKETS,
	COLUMNS,
	Aged,
	Receivables,
	bucket,
	receivables,
	segments_of,
)
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import company_or_default, scope_of

FIGURES = ("open", "not_due", *BUCKETS, "overdue", "credits")


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart and summary; amounts in the company's currency."""
	frappe.only_for(READERS)
	wanted = frappe._dict(filters or {})
	company = company_or_default(wanted.company)
	check_company(company)
	check_members_of(wanted.members_of)
	result = receivables(scope_of(company, None, wanted.to_date or None, None, wanted.members_of or None))
	shown = rows(result, by_segment=wanted.group_by != "Campaign", vouchers=bool(cint(wanted.vouchers)))
	return columns(), shown, None, chart(result), summary(result)


def labels() -> dict[str, str]:
	return {
		"open": _("Open"),
		"not_due": _("Not Due"),
		"up_to_30": _("1 to 30 Days"),
		"up_to_60": _("31 to 60 Days"),
		"up_to_90": _("61 to 90 Days"),
		"over_90": _("Over 90 Days"),
		"overdue": _("Overdue"),
		"credits": _("Credits"),
	}


def columns() -> list[dict[str, Any]]:
	names = labels()
	return [
		{"fieldname": "name", "label": _("Segment, Campaign or Voucher"), "fieldtype": "Data", "width": 300},
		{"fieldname": "due", "label": _("Due Date"), "fieldtype": "Date", "width": 105},
		*(
			{
				"fieldname": name,
				"label": names[name],
				"fieldtype": "Currency",
				"options": "currency",
				"width": 125,
			}
			for name in FIGURES
		),
		{
			"fieldname": "currency",
			"label": _("Currency"),
			"fieldtype": "Link",
			"options": "Currency",
			"width": 80,
		},
	]


def rows(result: Receivables, by_segment: bool, vouchers: bool) -> list[dict[str, Any]]:
	"""Segments with their campaigns, or campaigns; their open vouchers below if asked for; then what no campaign has, the sum,
	and the balance of the ledger."""
	with_campaign = [row for row in result.rows if row.campaign]
	found: list[dict[str, Any]] = []
	if by_segment:
		segments = segments_of([row.campaign or "" for row in with_campaign])
		for segment in sorted({segments.get(row.campaign or "") or "" for row in with_campaign}):
			of_segment = [row for row in with_campaign if (segments.get(row.campaign or "") or "") == segment]
			total = {name: sum((row.sums[name] for row in of_segment), ZERO) for name in COLUMNS}
			label = segment or _("No segment")
			found.append(_row(label, total, result, 0, segment=segment, bold=1))
			for row in of_segment:
				found += _campaign(row, result, 1, label, vouchers)
	else:
		for row in with_campaign:
			found += _campaign(row, result, 0, None, vouchers)
	for row in result.rows:
		if not row.campaign:
			found += _campaign(row, result, 0, None, vouchers)
	total = {name: sum((row.sums[name] for row in result.rows), ZERO) for name in COLUMNS}
	blank = dict.fromkeys(COLUMNS)
	return [
		*found,
		_row(_("Sum"), total, result, 0, bold=1),
		_row(_("Receivables in the ledger"), {**blank, "open": result.ledger}, result, 0, bold=1),
		_row(_("Difference"), {**blank, "open": result.difference}, result, 0, bold=1, is_difference=1),
	]


def _campaign(
	aged: Aged, result: Receivables, indent: int, parent: str | None, vouchers: bool
) -> list[dict[str, Any]]:
	label = aged.campaign or _("No campaign")
	found = [_row(label, aged.sums, result, indent, campaign=aged.campaign, parent=parent)]
	day = frappe.utils.getdate(result.to_date)
	for row in aged.vouchers if vouchers else ():
		column = bucket(row, day)
		sums = dict.fromkeys(COLUMNS) | {"open": row.amount, column: row.amount}
		if column in BUCKETS:
			sums["overdue"] = row.amount
		found.append(
			_row(
				row.voucher_no,
				sums,
				result,
				indent + 1,
				parent=label,
				due=row.due,
				voucher_type=row.voucher_type,
				voucher_no=row.voucher_no,
			)
		)
	return found


def _row(
	name: str,
	sums: Mapping[str, Decimal | None],
	result: Receivables,
	indent: int,
	parent: str | None = None,
	**more: Any,
) -> dict[str, Any]:
	amounts = {key: None if value is None else float(value) for key, value in sums.items()}
	return {
		"name": name,
		"parent_name": parent,
		"due": None,
		**amounts,
		"currency": result.currency,
		"indent": indent,
		**more,
	}


def chart(result: Receivables) -> dict[str, Any] | None:
	if not result.rows:
		return None
	names = labels()
	stacks = ("not_due", *BUCKETS)
	largest = sorted(result.rows, key=lambda row: -abs(row.sums["open"]))[:12]
	return {
		"data": {
			"labels": [row.campaign or _("No campaign") for row in largest],
			"datasets": [
				{"name": names[name], "values": [float(row.sums[name]) for row in largest]} for name in stacks
			],
		},
		"type": "bar",
		"barOptions": {"stacked": 1},
		"fieldtype": "Currency",
		"currency": result.currency,
	}


def summary(result: Receivables) -> list[dict[str, Any]]:
	of_campaigns = [row for row in result.rows if row.campaign]
	overdue = sum((row.sums["overdue"] for row in result.rows), ZERO)
	return [
		card(
			_("Outstanding from campaigns"),
			sum((row.sums["open"] for row in of_campaigns), ZERO),
			result.currency,
			"Blue",
		),
		card(_("Total overdue"), overdue, result.currency, "Orange" if overdue else "Green"),
		card(_("Receivables in the ledger"), result.ledger, result.currency, "Blue"),
		difference_card(result.difference, result.currency),
	]
