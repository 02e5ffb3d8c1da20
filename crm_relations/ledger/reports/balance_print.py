"""Print the balance sheet of a campaign, or export it as a table: our figures and those of ERPNext.

Writes nothing.
"""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import frappe
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from frappe import _
from frappe.translate import print_language
from frappe.utils import getdate, nowdate

from crm_relations.ledger.balance_sheets.balance_sheet import PROFIT, SIDES, BalanceSheet
from crm_relations.ledger.precision import decimals_of
from crm_relations.ledger.reports.statement_print import letter_head
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text import pdf

TEMPLATE = "crm_relations/templates/campaign_balance_sheet.html"


class Row(NamedTuple):
	"""A line of the sheet; amounts as a balance sheet shows them, expenses below zero."""

	label: str
	ours: Decimal
	theirs: Decimal | None
	level: str = "account"  #: account, subtotal or total


def rows(sheet: BalanceSheet) -> Iterator[Row]:
	"""Yield both sides with their totals, and how the profit comes about."""
	labels = {"Asset": _("Assets"), "Liability": _("Liabilities"), "Equity": _("Equity")}
	for root_type in SIDES:
		lines = [line for line in sheet.lines if line.root_type == root_type]
		if lines or root_type != "Equity":
			yield from _group(sheet, labels[root_type], root_type, 1 if root_type == "Asset" else -1)
		if root_type == "Asset":
			yield Row(_("Total Assets"), sheet.total("Asset"), sheet.theirs("Asset"), "total")
	yield Row(_("Profit") if sheet.profit >= 0 else _("Loss"), sheet.profit, sheet.their_profit, "subtotal")
	yield Row(_("Total Liabilities, Equity and Profit"), *sheet.other_side, "total")
	for root_type, label in zip(PROFIT, (_("Income"), _("Expenses")), strict=True):
		yield from _group(sheet, label, root_type, -1)
	yield Row(_("Profit") if sheet.profit >= 0 else _("Loss"), sheet.profit, sheet.profit_of_ledger, "total")


def _group(sheet: BalanceSheet, label: str, root_type: str, sign: int) -> Iterator[Row]:
	theirs = sheet.theirs(root_type)
	yield Row(label, sign * sheet.total(root_type), None if theirs is None else sign * theirs, "subtotal")
	for line in sheet.lines:
		if line.root_type == root_type:
			yield Row(line.account, sign * line.ours, None if line.theirs is None else sign * line.theirs)


def as_csv(sheet: BalanceSheet) -> str:
	"""Return the sheet as a table for spreadsheets.

	Amounts have a decimal point; semicolons separate the columns.
	"""
	compared = sheet.state == "on"
	text = io.StringIO()
	table = csv.writer(text, delimiter=";", lineterminator="\r\n")
	table.writerow([_("Account"), _("Campaign"), *(("ERPNext", _("Difference")) if compared else ())])
	for row in rows(sheet):
		# a spreadsheet would treat a name with such a first character as a formula
		label = f"'{row.label}" if row.label[:1] in "=+-@\t\r" else row.label
		cells = [label, str(row.ours)]
		if compared:
			theirs = row.theirs if row.theirs is not None else Decimal(0)
			cells += [str(theirs), str(row.ours - theirs)]
		table.writerow(cells)
	return "\ufeff" + text.getvalue()


def as_pdf(sheet: BalanceSheet, language: str | None = None) -> bytes:
	"""Return the sheet as PDF with the company's letter head.

	:param language: code of a language of the site, such as `de`; None: the reader's language
	:raises frappe.ValidationError: no such language, or no PDF engine runs on this server
	"""
	html = as_html(sheet, language)
	try:
		return pdf.from_html(html)
	except (ImportError, OSError) as error:
		reason = str(error).splitlines()[0] if str(error) else type(error).__name__
		refuse(_("No PDF engine runs on this server ({0})."), f"WeasyPrint: {reason}")


def as_html(sheet: BalanceSheet, language: str | None = None) -> str:
	"""Return the page that `as_pdf` prints."""
	language = language or frappe.local.lang or "en"
	if not frappe.db.exists("Language", language):
		refuse(_("Language {0} does not exist. Write it as de or en."), language)
	try:
		locale = Locale.parse(language.replace("-", "_"))
	except (UnknownLocaleError, ValueError):
		locale = Locale.parse("en")
	pattern = "#,##0." + "0" * decimals_of(sheet.company)
	compared = sheet.state == "on"

	def amount(value: Decimal | None) -> str:
		return "" if value is None else format_decimal(value, pattern, locale=locale)

	with print_language(language):
		return frappe.render_template(
			TEMPLATE,
			{
				"lang": language,
				"title": f"{_('Campaign Balance Sheet')}: {sheet.campaign}",
				"fonts": pdf.FONT_FAMILIES,
				"letter_head": letter_head(sheet.company),
				"company": sheet.company,
				"day": _("As of {0}").format(format_date(getdate(sheet.to_date), "medium", locale=locale)),
				"amounts_in": _("Amounts in {0}").format(sheet.currency),
				"printed": _("Printed on {0}").format(
					format_date(getdate(nowdate()), "medium", locale=locale)
				),
				"page": _("Page"),
				"of": _("of"),
				"head": [_("Account"), _("Campaign"), *(("ERPNext", _("Difference")) if compared else ())],
				"rows": [
					{
						"label": row.label,
						"level": row.level,
						"amounts": [
							amount(row.ours),
							*((amount(row.theirs), amount(row.ours - (row.theirs or 0))) if compared else ()),
						],
					}
					for row in rows(sheet)
				],
				"difference": _("Difference of both sides: {0}").format(amount(sheet.difference)),
				"error": bool(sheet.difference or sheet.problems),
			},
		)
