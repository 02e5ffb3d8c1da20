"""Check accounts, attribution, ledger and dimension for `relations check`. Writes nothing."""

import frappe
from frappe import _, _lt
from frappe.utils import add_to_date, cint

from crm_relations.ledger import check_queries, dimension, german_charts
from crm_relations.ledger.attributions import queries
from crm_relations.ledger.statements.statement import statement
from crm_relations.shared.findings import Finding
from crm_relations.shared.money import to_string

NAMED = 5  #: vouchers that a message names before it counts the rest


def findings() -> list[Finding]:
	"""Return the findings for all companies of the site.

	Reads the whole ledger: not for a request that a user waits for.
	"""
	attributes = cint(frappe.db.get_single_value("Relation Settings", "attribute_invoices"))
	result = []
	for company in frappe.get_all(
		"Company",
		fields=[
			"name",
			"chart_of_accounts",
			"existing_company",
			*dict.fromkeys((*(row[0] for row in _DEFAULTS), *_LABELS)),
		],
		order_by="name asc",
	):
		result += _accounts(company)
		result += _german_accounts(company)
		result += _attribution(company.name, complete=bool(attributes))
		result += _ledger(company.name)
		result += _receivables(company.name)
	result += _rules()
	if not attributes:
		message = _("Invoices are not attributed to campaigns: the switch in Relation Settings is off.")
		result.append(
			Finding("warning", "attribution-off", message, _("Relation Settings, section Accounting."))
		)
	return result + _dimension()


#: field of the company, its label, the root type and account type that it needs, and the severity without it
_DEFAULTS = (
	("default_receivable_account", _lt("Default Receivable Account"), "Asset", "Receivable", "error"),
	("default_income_account", _lt("Default Income Account"), "Income", None, "error"),
	("default_bank_account", _lt("Default Bank Account"), "Asset", "Bank", "warning"),
	("default_payable_account", _lt("Default Payable Account"), "Liability", "Payable", "warning"),
	("default_expense_account", _lt("Default Cost of Goods Sold Account"), "Expense", None, "warning"),
)


def _accounts(company: frappe._dict) -> list[Finding]:
	remedy = _("Open Company {0}, tab Accounts, and choose another account.").format(company.name)
	result = []
	for field, label, root_type, account_type, without in _DEFAULTS:
		code, name = field.replace("_", "-"), company.get(field)
		if not name:
			message = _("{0}: {1} is not set.").format(company.name, label)
			result.append(Finding(without, f"{code}-missing", message, remedy))
			continue
		account = frappe.db.get_value(
			"Account", name, ["root_type", "account_type", "is_group", "disabled"], as_dict=True
		)
		if not account or account.is_group or account.disabled:
			message = _("{0}: {1} {2} is not an account for postings.").format(company.name, label, name)
			result.append(Finding("error", f"{code}-unusable", message, remedy))
		elif account.root_type != root_type:
			message = _("{0}: {1} {2} is of root type {3}, it must be {4}.").format(
				company.name, label, name, _(account.root_type), _(root_type)
			)
			result.append(Finding("error", f"{code}-root-type", message, remedy))
		elif account_type and account.account_type != account_type:
			message = _("{0}: {1} {2} is not of account type {3}.").format(
				company.name, label, name, _(account_type)
			)
			result.append(Finding("error", f"{code}-type", message, remedy))
	return result


#: fields that `german_charts` covers, with their labels in the form of Company
_LABELS = {
	"default_receivable_account": _lt("Default Receivable Account"),
	"default_payable_account": _lt("Default Payable Account"),
	"default_income_account": _lt("Default Income Account"),
	"default_expense_account": _lt("Default Cost of Goods Sold Account"),
	"depreciation_expense_account": _lt("Depreciation Expense Account"),
	"accumulated_depreciation_account": _lt("Accumulated Depreciation Account"),
	"default_bank_account": _lt("Default Bank Account"),
	"default_cash_account": _lt("Default Cash Account"),
	"round_off_account": _lt("Round Off Account"),
	"write_off_account": _lt("Write Off Account"),
	"exchange_gain_loss_account": _lt("Exchange Gain / Loss Account"),
}


def _german_accounts(company: frappe._dict) -> list[Finding]:
	"""Find defaults of a company on SKR03 or SKR04 that use an account of another type.

	The ledger stays consistent, but the balance sheet shows the amounts in the wrong place.
	"""
	chart = german_charts.chart_in(_chart_of(company))
	if not chart:
		return []
	accounts = check_queries.numbered_accounts(company.name)
	result = []
	for field, place in german_charts.CHARTS[chart].items():
		account = accounts.get(company.get(field))
		number = account and account.number
		if number is None or place.holds(number):
			continue
		usual = next(
			(name for wanted in place.usual for name, row in accounts.items() if row.is_own(wanted)), None
		)
		message = _("{0}: {1} {2} does not belong to these accounts of {3}: {4}.").format(
			company.name,
			_LABELS[field],
			company.get(field),
			chart,
			", ".join(f"{first:04}–{last}" for first, last in place.ranges),
		)
		remedy = _("Open Company {0}, tab Accounts, and choose an account of these.").format(company.name)
		if usual:
			remedy = _("Open Company {0}, tab Accounts, and choose for example {1}.").format(
				company.name, usual
			)
			if place.account_type and accounts[usual].account_type != place.account_type:
				remedy += " " + _("Set its Account Type to {0} first.").format(_(place.account_type))
		result.append(Finding("warning", f"{field.replace('_', '-')}-chart", message, remedy))
	return result


def _chart_of(company: frappe._dict) -> str | None:
	"""Return the name of the company's chart, or that of the company with the original accounts."""
	if company.chart_of_accounts or not company.existing_company:
		return company.chart_of_accounts
	return frappe.db.get_value("Company", company.existing_company, "chart_of_accounts")


def _attribution(company: str, complete: bool) -> list[Finding]:
	"""Find rows that differ from their lines.

	If the attribution should be `complete`, find lines without a row too.
	"""
	remedy = _("Relation Settings, button Rebuild Attribution.")
	result = []
	if wrong := queries.attribution_unlike_invoice(company):
		message = _("{0}: attribution differs from the invoice lines of {1}.").format(company, _names(wrong))
		result.append(Finding("error", "attribution-unequal", message, remedy))
	missing = queries.invoices_without_attribution(company) if complete else []
	if missing:
		message = _("{0}: lines with a campaign are not attributed in {1}.").format(company, _names(missing))
		result.append(Finding("error", "attribution-missing", message, remedy))
	return result


def _ledger(company: str) -> list[Finding]:
	figures = statement(company)
	if not (figures.difference or figures.problems):
		return []
	vouchers = list(dict.fromkeys(problem.voucher_no for problem in figures.problems))
	message = _("{0}: statement and ledger differ by {1} {2} ({3}).").format(
		company, to_string(figures.difference), figures.currency, _names(vouchers) or _("no single voucher")
	)
	return [
		Finding("error", "ledger-difference", message, _("Relation Settings, button Rebuild Attribution."))
	]


def _receivables(company: str) -> list[Finding]:
	result = []
	for account, root_type, balance in check_queries.receivables_outside_assets(company):
		message = _(
			"{0}: receivables of {1} stand on {2}, which is of root type {3}: no balance sheet shows them as receivables."
		).format(company, to_string(balance), account, _(root_type))
		remedy = _(
			"Give the customers a receivable account of root type Asset, and move the balance by a journal entry."
		)
		result.append(Finding("error", "receivable-not-asset", message, remedy))
	for account, difference in check_queries.receivables_unlike_ledger(company):
		message = _("{0}: ledger and payment ledger differ by {1} on {2}.").format(
			company, to_string(difference), account
		)
		remedy = _(
			"Open ERPNext's report General and Payment Ledger Comparison and repost the vouchers it names."
		)
		result.append(Finding("error", "receivable-difference", message, remedy))
	return result


def _rules() -> list[Finding]:
	"""Find rules with a job that has not run for a day. Invoices posted since then are not attributed."""
	late = frappe.get_all(
		"Relation Attribution Rule",
		filters={"enabled": 1, "creation": ["<", add_to_date(None, days=-1)]},
		or_filters=[
			["attributed_until", "is", "not set"],
			["attributed_until", "<", add_to_date(None, days=-1)],
		],
		pluck="company",
		order_by="company asc",
	)
	if not late:
		return []
	message = _("Invoices of {0} have not been attributed by rule for a day.").format(", ".join(late))
	return [
		Finding("warning", "attribution-rule-late", message, _("See that the scheduler runs: bench doctor."))
	]


def _dimension() -> list[Finding]:
	on = cint(frappe.db.get_single_value("Relation Settings", "campaign_dimension"))
	current = dimension.current()
	remedy = _("Switch Report Campaigns in the Ledger off and on again in Relation Settings.")
	if not on:
		if current:
			message = _("The Accounting Dimension {0} exists although its switch is off.").format(
				current.name
			)
			remedy = _(
				"Switch Report Campaigns in the Ledger on in Relation Settings, or delete the dimension."
			)
			return [Finding("warning", "dimension-by-hand", message, remedy)]
		if dimension.fields():
			message = _("Fields of a removed Accounting Dimension are still there.")
			return [Finding("warning", "dimension-leftovers", message, _("Run bench migrate."))]
		if queries.has_attribution():
			message = _("Invoices carry campaigns, but ERPNext's own reports cannot filter by campaign.")
			remedy = _("To change this: Relation Settings, Report Campaigns in the Ledger.")
			return [Finding("info", "dimension_off", message, remedy)]
		return []
	if not current:
		message = _("The Accounting Dimension of campaigns was deleted although its switch is on.")
		return [Finding("error", "dimension-missing", message, remedy)]
	result = []
	if current.disabled:
		message = _("The Accounting Dimension {0} is disabled: new ledger rows carry no campaign.").format(
			current.name
		)
		result.append(Finding("error", "dimension-disabled", message, remedy))
	if not frappe.get_meta("GL Entry").has_field(dimension.FIELDNAME):
		message = _("GL Entry has no field {0}: ERPNext's reports fail.").format(dimension.FIELDNAME)
		result.append(Finding("error", "dimension-fields", message, _("Run bench migrate.")))
	if any(row.mandatory_for_bs or row.mandatory_for_pl for row in current.dimension_defaults):
		message = _("The campaign is mandatory in the ledger: vouchers without a campaign cannot be posted.")
		remedy = _("Accounting Dimension {0}: clear the check boxes Mandatory.").format(current.name)
		result.append(Finding("warning", "dimension-mandatory", message, remedy))
	if missing := dimension.companies_without_row(current):
		message = _("The Accounting Dimension has no line for {0}.").format(", ".join(missing))
		result.append(Finding("warning", "dimension-company", message, _("Run bench migrate.")))
	return result


def _names(vouchers: list[str]) -> str:
	shown = ", ".join(vouchers[:NAMED])
	more = len(vouchers) - NAMED
	return _("{0} and {1} more").format(shown, more) if more > 0 else shown
