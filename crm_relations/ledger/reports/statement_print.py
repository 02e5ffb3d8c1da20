"""Print the statement in a chosen language. Writes nothing.

Numbers and dates follow the format of that language (CLDR), not the settings of the user.
"""

import base64
import mimetypes
from decimal import Decimal
from typing import Any

import frappe
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from bs4 import BeautifulSoup
from frappe import _
from frappe.translate import print_language
from frappe.utils import cstr, formatdate, getdate, nowdate

from crm_relations.ledger.statements.consolidation import Consolidated
from crm_relations.ledger.statements.figures import AccountRow, CampaignFigures, Statement
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.shared.money import decimals, smallest_unit, to_decimal
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text import pdf

TEMPLATE = "crm_relations/templates/campaign_statement.html"


def figure_labels() -> dict[str, str]:
	"""Return each figure of a campaign with its name, in the order of reading.

	Report and print share this list.
	"""
	return {
		"revenue": _("Revenue"),
		"credit_notes": _("Credit Notes"),
		"by_rule": _("Thereof by Rule"),
		"discounts": _("Discounts"),
		"cost_of_goods": _("Cost of Goods"),
		"margin": _("Margin"),
		"campaign_cost": _("Campaign Cost"),
		"return_percent": _("Return in Percent"),
		"tax": _("Tax"),
		"receivable_open": _("Outstanding Receivables"),
		"receivable_overdue": _("Overdue"),
		"cash_received": _("Cash Received"),
		"cash_discounts": _("Cash Discounts"),
		"write_offs": _("Write-Offs"),
		"exchange_difference": _("Exchange Difference"),
		"settled_income": _("Income Booked by Payments"),
	}


def ledger_labels(result: Statement) -> dict[str, str]:
	"""Return each amount of a `LedgerRow` with its name, in the order of reading.

	Only those that the statement can have are included.
	"""
	labels = {
		"campaigns": _("Campaigns"),
		"other_campaigns": _("Other campaigns"),
		"not_attributed": _("Not attributed"),
		"not_in_selection": _("Not in the selection"),
		"ledger": _("Ledger"),
		"difference": _("Difference"),
	}
	if not any(row.other_campaigns for row in result.ledger):
		del labels["other_campaigns"]
	if not (result.salesperson or result.segment):
		del labels["not_in_selection"]
	return labels


def closing_lines(result: Statement) -> list[tuple[str, str, Decimal]]:
	"""Return the lines from the campaigns to the income of the ledger: (key of `Statement`, name, amount).

	The last line is the difference.
	"""
	lines = [("attributed", _("Attributed to campaigns"), result.attributed)]
	if result.settled_income:
		lines.append(("settled_income", _("Income booked by their payments"), result.settled_income))
	if result.other_campaigns:
		lines.append(("other_campaigns", _("Other campaigns"), result.other_campaigns))
	lines.append(("not_attributed", _("Not attributed"), result.not_attributed))
	if result.salesperson or result.segment:
		lines.append(("not_in_selection", _("Not in the selection"), result.not_in_selection))
	if isinstance(result, Consolidated) and result.rounding:
		lines.append(("rounding", _("Rounding of the conversion"), result.rounding))
	lines.append(("ledger_income", _("Income in the ledger"), result.ledger_income))
	lines.append(("difference", _("Difference"), result.difference))
	return lines


def reversal_lines(result: Statement) -> list[str]:
	"""Return the invoices of the period that were cancelled while the ledger was immutable, in words."""
	shown = [
		_("{0} of {1}, reversed on {2}").format(
			row.voucher_no, formatdate(row.posting_date), formatdate(row.reversed_on)
		)
		for row in result.reversals[:20]
	]
	if not shown:
		return []
	if more := len(result.reversals) - len(shown):
		shown.append(_("and {0} more").format(more))
	told = _("Cancelled invoices that the immutable ledger keeps on their day and reverses on another: {0}")
	return [told.format("; ".join(shown))]


def selection_lines(result: Statement) -> list[str]:
	"""Return the sales person and segment that the statement is limited to, in words."""
	lines = []
	if result.salesperson:
		lines.append(_("Only invoices of the sales person {0}").format(result.salesperson))
	if result.segment:
		lines.append(_("Only invoices of members of the segment {0}").format(result.segment))
	return lines


def as_pdf(result: Statement, language: str | None = None) -> bytes:
	"""Return the statement as PDF with the letter head of the company and page numbers.

	:param language: code of a language of the site, such as `de`; None: the reader's language
	:raises frappe.ValidationError: no such language, or no PDF engine runs on this server
	"""
	html = as_html(result, language)
	try:
		return pdf.from_html(html)
	except (ImportError, OSError) as error:
		reason = str(error).splitlines()[0] if str(error) else type(error).__name__
		refuse(_("No PDF engine runs on this server ({0})."), f"WeasyPrint: {reason}")


def as_html(result: Statement, language: str | None = None) -> str:
	"""Return the page that `as_pdf` prints."""
	language = language or frappe.local.lang or "en"
	if not frappe.db.exists("Language", language):
		refuse(_("Language {0} does not exist. Write it as de or en."), language)
	with print_language(language), decimals(result.decimals):
		return _Page(result, language).html()


class _Page:
	"""The values of the template: texts only, amounts in the format of the language."""

	def __init__(self, result: Statement, language: str):
		self.result = result
		self.language = language
		try:
			self.locale = Locale.parse(language.replace("-", "_"))
		except (UnknownLocaleError, ValueError):
			self.locale = Locale.parse("en")

	def html(self) -> str:
		result = self.result
		several = isinstance(result, Consolidated)
		parts = [part.statement for part in result.parts] if several else [result]
		return frappe.render_template(
			TEMPLATE,
			{
				"lang": self.language,
				"title": _("Campaign Statement"),
				"fonts": pdf.FONT_FAMILIES,
				"printed": _("Printed on {0}").format(self.date(nowdate())),
				"page": _("Page"),
				"of": _("of"),
				"letter_head": letter_head(parts[0].company),
				"company": result.company if not several else f"{result.company} ({_('consolidated')})",
				"period": self.period(),
				"amounts_in": _("Amounts in {0}").format(result.currency),
				"selection": [*selection_lines(result), *reversal_lines(result)],
				"basis": result.basis if several else [],
				"overview": self.overview(),
				"campaigns": [self.campaign(row, parts) for row in result.campaigns],
				"account_head": [_("Account"), _("Root Type"), _("Debit"), _("Credit")],
				"closing": {"title": _("Reconciliation with the ledger"), "rows": self.closing()},
				"ledgers": [self.ledger(part, several) for part in parts],
				"problems": [
					_("Attribution and ledger differ in: {0}").format(
						f"{_(each.voucher_type)} {each.voucher_no}, {each.account}: {self.amount(each.difference)}"
					)
					for each in result.problems
				],
				"note": _(
					"All amounts are sums of posted ledger rows. A campaign's share of a voucher follows from the lines of the voucher."
				),
			},
		)

	def amount(self, value: Decimal | None) -> str:
		places = "0" * -smallest_unit().as_tuple().exponent
		return (
			"–" if value is None else format_decimal(to_decimal(value), f"#,##0.{places}", locale=self.locale)
		)

	def date(self, value: Any) -> str:
		return format_date(getdate(value), "medium", locale=self.locale)

	def period(self) -> str:
		if self.result.from_date:
			return _("{0} to {1}").format(self.date(self.result.from_date), self.date(self.result.to_date))
		return _("From the first posting to {0}").format(self.date(self.result.to_date))

	def overview(self) -> dict[str, Any] | None:
		"""Return the campaigns next to each other, if there are several."""
		rows = self.result.campaigns
		if len(rows) < 2:
			return None
		names = ("revenue", "credit_notes", "margin", "receivable_open", "cash_received")
		labels = figure_labels()
		total = [sum((getattr(row, name) for row in rows), ZERO) for name in names]
		return {
			"title": _("Overview"),
			"head": [_("Campaign"), *(labels[name] for name in names)],
			"rows": [
				*([row.campaign, *(self.amount(getattr(row, name)) for name in names)] for row in rows),
				[_("Sum"), *(self.amount(value) for value in total)],
			],
		}

	def campaign(self, figures: CampaignFigures, parts: list[Statement]) -> dict[str, Any]:
		amounts = []
		for name, label in figure_labels().items():
			value = self.amount(getattr(figures, name))
			amounts.append((label, value))
		accounts = []
		for part in parts:
			rows = [row for row in part.accounts if row.campaign == figures.campaign]
			accounts += [self.account(row) for row in rows]
			if rows:
				debit, credit = (
					sum((getattr(row, side) for row in rows), ZERO) for side in ("debit", "credit")
				)
				label = _("Sum") if len(parts) == 1 else f"{_('Sum')} {part.company}, {part.currency}"
				accounts.append(
					{
						"account": label,
						"root_type": "",
						"debit": self.amount(debit),
						"credit": self.amount(credit),
						"sum": 1,
					}
				)
		return {"name": figures.campaign, "figures": amounts, "accounts": accounts}

	def account(self, row: AccountRow) -> dict[str, str]:
		return {
			"account": row.account,
			"root_type": _(row.root_type),
			"debit": self.amount(row.debit),
			"credit": self.amount(row.credit),
		}

	def closing(self) -> list[dict[str, Any]]:
		lines = closing_lines(self.result)
		return [
			{
				"label": label,
				"amount": self.amount(value),
				"sum": number >= len(lines) - 2,
				"error": number == len(lines) - 1 and value != 0,
			}
			for number, (_key, label, value) in enumerate(lines)
		]

	def ledger(self, part: Statement, several: bool) -> dict[str, Any]:
		"""Return the accounts on which campaigns have amounts, with the other amounts on these accounts."""
		labels = ledger_labels(part)
		title = _("By account, debit less credit")
		return {
			"title": f"{title}: {part.company}, {part.currency}" if several else title,
			"head": [_("Account"), *labels.values()],
			"rows": [
				{
					"account": row.account,
					"amounts": [self.amount(getattr(row, name)) for name in labels],
					"error": row.difference != 0,
				}
				for row in part.ledger
				if row.campaigns or row.other_campaigns or row.difference
			],
		}


def letter_head(company: str) -> str:
	"""Return the company's letter head, else the site's, with embedded pictures; empty if there is none."""
	name = frappe.get_cached_value("Company", company, "default_letter_head")
	filters = {"name": name} if name else {"is_default": 1, "disabled": 0}
	content = frappe.db.get_value("Letter Head", filters, "content")
	if not content:
		return ""
	soup = BeautifulSoup(
		frappe.render_template(content, {"doc": frappe._dict(company=company)}), "html.parser"
	)
	for image in soup.find_all("img"):
		if embedded := _embedded(cstr(image.get("src"))):
			image["src"] = embedded
		else:
			image.decompose()
	return str(soup)


def _embedded(url: str) -> str | None:
	"""Return a picture of the site's files as data URL; None for every other address."""
	if url.startswith("data:"):
		return url
	path = url.split("?")[0]
	if not path.startswith(("/files/", "/private/files/")):
		return None
	name = frappe.db.get_value("File", {"file_url": path})
	if not name:
		return None
	file = frappe.get_doc("File", name)
	if not file.exists_on_disk():
		return None
	content = file.get_content()
	content = content if isinstance(content, bytes) else content.encode()
	kind = mimetypes.guess_type(path)[0] or "image/png"
	return f"data:{kind};base64,{base64.b64encode(content).decode()}"
