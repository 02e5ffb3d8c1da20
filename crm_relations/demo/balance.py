"""Read ERPNext's own Balance Sheet and Profit and Loss of one campaign, filtered by the dimension. Writes
nothing.
"""

import frappe
from erpnext.accounts.report.financial_statements import get_data, get_period_list
from frappe import _
from frappe.utils import flt, nowdate

from crm_relations.shared.refusals import refuse

SIDES = (
	("Asset", "Debit"),
	("Liability", "Credit"),
	("Equity", "Credit"),
	("Income", "Credit"),
	("Expense", "Debit"),
)


def totals(company: str, campaign: str) -> dict[str, float]:
	"""Return root type → total of all years up to this one, in company currency; the campaign must be a
	dimension.
	"""
	# Accumulated values reach back to the first posting. A period of several years would need a fiscal year
	# for each of them, and an import of old deals leaves gaps.
	year = frappe.db.get_value(
		"Fiscal Year",
		{"disabled": 0, "year_start_date": ["<=", nowdate()]},
		"name",
		order_by="year_start_date desc",
	)
	periods = get_period_list(
		year, year, None, None, "Fiscal Year", "Yearly", accumulated_values=True, company=company
	)
	first = frappe.db.get_value("Fiscal Year", {}, "year_start_date", order_by="year_start_date asc")
	filters = frappe._dict(company=company, period_start_date=first, relation_campaign=[campaign])
	result = {}
	for root_type, side in SIDES:
		rows = get_data(
			company,
			root_type,
			side,
			periods,
			filters=filters,
			accumulated_values=True,
			only_current_fiscal_year=False,
			ignore_closing_entries=True,
		)
		# the last but one row is the total, the last one is empty
		result[root_type] = flt(rows[-2].get(periods[-1]["key"]), 2) if rows else 0.0
	return result


def assets(company: str, campaign: str) -> float:
	"""Return the total assets of the campaign.

	:raises frappe.ValidationError: they differ from liabilities, equity and profit together
	"""
	of = totals(company, campaign)
	claims = of["Liability"] + of["Equity"] + of["Income"] - of["Expense"]
	if flt(of["Asset"] - claims, 2):
		refuse(
			_("The balance sheet of the campaign {0} does not balance: {1} against {2}."),
			campaign,
			of["Asset"],
			claims,
		)
	return of["Asset"]
