"""Answer requests of the desk about accounting.

Holds whitelisted functions only, and writes through other modules.
"""

from dataclasses import asdict
from typing import Any

import frappe
from frappe import _
from frappe.utils import cint

from crm_relations.campaigns.checks import workers_of_queue
from crm_relations.ledger.attributions import attribution, queries, rule_attribution
from crm_relations.ledger.balance_sheets import repair
from crm_relations.ledger.balance_sheets.balance_sheet import BalanceSheet
from crm_relations.ledger.balance_sheets.balance_sheet import balance_sheet as make_balance_sheet
from crm_relations.ledger.reports import balance_print, drill_down, statement_print
from crm_relations.ledger.statements import consolidation
from crm_relations.ledger.statements.figures import Statement
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import company_or_default, scope_of
from crm_relations.ledger.statements.statement import statement as make_statement
from crm_relations.relations.permissions import sees_all
from crm_relations.shared.access.permissions import may_see_amounts_of
from crm_relations.shared.money import to_string
from crm_relations.shared.refusals import filled, refuse

READERS = ["System Manager", "Accounts User", "Accounts Manager", "Relation Manager", "Sales Manager"]


@frappe.whitelist(methods=["GET", "POST"])
def statement(
	company: str | None = None,
	campaigns: str | list | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
	consolidated: bool = False,
	currency: str | None = None,
	addressed_segment: str | None = None,
) -> dict[str, Any]:
	"""Return the statement as a dict of decimal strings (`Statement.as_dict`).

	`campaigns` is a list or its JSON. `salesperson` and `segment` select invoices; all other income is
	`not_in_selection`. `consolidated` adds the companies below the company (without one: all companies) in
	`currency`, with `rates`, `rounding` and `companies`. `addressed_segment` limits the list to campaigns
	that address this segment.
	"""
	frappe.only_for(READERS)
	selection = (salesperson, segment, addressed_segment)
	asked = _asked(company, campaigns, (from_date, to_date), selection, (consolidated, currency))
	return statement_for_reader(asked).as_dict()


def _asked(
	company: str | None,
	campaigns: str | list | None,
	period: tuple[str | None, str | None],
	selection: tuple[str | None, str | None, str | None],
	presentation: tuple[bool, str | None],
) -> frappe._dict:
	"""Return the arguments of a request under the names that the report uses."""
	from_date, to_date = period
	salesperson, segment, addressed_segment = selection
	consolidated, currency = presentation
	return frappe._dict(
		company=company,
		campaigns=frappe.parse_json(campaigns),
		from_date=from_date,
		to_date=to_date,
		salesperson=salesperson,
		segment=segment,
		addressed_segment=addressed_segment,
		consolidated=cint(consolidated),
		currency=currency,
	)


@frappe.whitelist(methods=["GET", "POST"])
def statement_pdf(
	company: str | None = None,
	campaigns: str | list | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
	consolidated: bool = False,
	currency: str | None = None,
	addressed_segment: str | None = None,
	language: str | None = None,
) -> None:
	"""Download the statement as PDF.

	`language` is a code such as `de` or `en`; without it, the language of the user applies. The other
	arguments are those of `statement`. The answer is the file.
	"""
	frappe.only_for(READERS)
	selection = (salesperson, segment, addressed_segment)
	asked = _asked(company, campaigns, (from_date, to_date), selection, (consolidated, currency))
	result = statement_for_reader(asked)
	frappe.response.filename = f"{frappe.scrub(_('Campaign Statement'))}_{result.to_date}.pdf"
	frappe.response.filecontent = statement_print.as_pdf(result, language)
	frappe.response.type = "pdf"


@frappe.whitelist(methods=["GET", "POST"])
def vouchers_of_row(
	company: str,
	campaign: str | None = None,
	account: str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
	salesperson: str | None = None,
	segment: str | None = None,
	outside: bool = False,
) -> dict[str, Any]:
	"""Return the vouchers behind a row of the statement.

	`vouchers` lists the latest 500 in order of posting, with `voucher_type`, `voucher_no`, `date` and
	`amount` (the campaign's part, debit > 0). `number` and `sum` cover all of them. Without an account, the
	vouchers are those of the campaign's cost. Without a campaign, they are those of income without a campaign
	(credit > 0); `outside` selects the income that is not in the selection. Amounts are decimal strings.
	"""
	frappe.only_for(READERS)
	check_company(company_or_default(company))
	check_members_of(segment)
	scope = scope_of(company, from_date, to_date, salesperson, segment)
	if not campaign:
		found = drill_down.income_vouchers(scope, bool(cint(outside)))
	elif account:
		found = drill_down.vouchers(scope, campaign, account)
	else:
		found = drill_down.cost_vouchers(scope, campaign)
	return {
		"vouchers": [part.as_dict() for part in found[-500:]],
		"number": len(found),
		"sum": to_string(sum((part.amount for part in found), ZERO)),
	}


def statement_for_reader(filters: frappe._dict) -> Statement:
	"""Return the statement or consolidated statement that `filters` ask for.

	The names of the filters are the parameters of `statement`.

	:raises frappe.PermissionError: the user may not read the accounting of one of the companies, or the
		segment
	"""
	selection = (
		_campaigns_listed(filters),
		filters.from_date or None,
		filters.to_date or None,
		filters.salesperson or None,
		filters.segment or None,
	)
	check_members_of(filters.segment)
	if filters.consolidated:
		for name in consolidation.companies(filters.company or None):
			check_company(name)
		return consolidation.consolidated(filters.company or None, *selection, filters.currency or None)
	company = company_or_default(filters.company)
	check_company(company)
	return make_statement(company, *selection)


def _campaigns_listed(filters: frappe._dict) -> list[str] | None:
	"""Return the campaigns that are named, that address a segment, or that do both; None for all.

	:raises frappe.ValidationError: no campaign is left
	"""
	named = filters.campaigns or None
	if not (segment := filters.addressed_segment):
		return named
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	addressing = frappe.get_all(
		"Relation Campaign", filters={"segment": segment}, pluck="name", order_by="name asc"
	)
	found = [name for name in addressing if not named or name in named]
	if not found:
		refuse(
			_("Campaigns for Segment: no campaign of these addresses {0}. Choose another segment."), segment
		)
	return found


@frappe.whitelist(methods=["GET", "POST"])
def campaigns_of_invoice(invoice: str) -> list[dict[str, Any]]:
	"""Return the campaigns that earned lines of an invoice.

	Each has `campaign`, `amount` (company currency, decimal string) and `lines`.
	"""
	frappe.has_permission("Sales Invoice", "read", doc=invoice, throw=True)
	return queries.campaigns_of_invoice(invoice)


@frappe.whitelist(methods=["GET", "POST"])
def explain_attribution(invoice: str) -> dict[str, Any]:
	"""Explain the attribution of an invoice.

	Return `campaigns` with `campaign`, `rule`, `amount` (company currency, decimal string), `share` of the invoice's lines in
	percent, `lines` and `evidence`, and the `rule` of the company, if it has one. Responses in the evidence are named to
	users that may read responses. Other users get their number.
	"""
	frappe.has_permission("Sales Invoice", "read", doc=invoice, throw=True)
	company = frappe.db.get_value("Sales Invoice", invoice, "company")
	names_answers = frappe.has_permission("Relation Campaign Response", "read")
	rows = []
	for row in queries.explanation_of(invoice):
		evidence = frappe.parse_json(row.evidence or "{}")
		if not names_answers:
			evidence.pop("answers", None)
		rows.append(
			{
				"campaign": row.campaign,
				"rule": row.rule,
				"amount": to_string(row.amount),
				"share": f"{100 * row.share:.2f}",
				"lines": row.lines,
				"evidence": evidence,
			}
		)
	policy = rule_attribution.policies().get(company)
	return {"campaigns": rows, "rule": asdict(policy) if policy else None}


@frappe.whitelist(methods=["POST"])
def rebuild_attribution(company: str | None = None) -> dict[str, Any]:
	"""Queue the job that rebuilds the attribution of one company or of all.

	:return: `message` for the user, and `workers`: the number of background workers that can run the job now
	"""
	frappe.has_permission("Relation Settings", "write", throw=True)
	companies = frappe.get_all("Company", pluck="name", order_by="name asc")
	for name in [company_or_default(company)] if company else companies:
		check_company(name)
	job = frappe.enqueue(
		rebuild_job,
		queue="long",
		timeout=4 * 60 * 60,
		job_id="crm_relations_rebuild_attribution",
		deduplicate=True,
		company=company,
		user=frappe.session.user,
	)
	if job:
		message = _("The attribution is being rebuilt. You will be notified when this is done.")
	else:
		message = _("A rebuild of the attribution is queued or running already.")
	return {"message": message, "workers": workers_of_queue()}


def rebuild_job(company: str | None, user: str) -> None:
	"""Run the queued rebuild. Progress, result and failure are shown to the user that started it."""
	title = _("Rebuilding attribution")

	def show(done: int, total: int) -> None:
		frappe.publish_progress(done * 100 / max(total, 1), title=title)

	try:
		counts = attribution.rebuild(company, on_progress=show)
	except Exception as error:
		frappe.db.rollback()
		stopped = _(
			"The rebuild of the attribution stopped: {0}. Start it again: it continues without duplicates."
		)
		frappe.publish_realtime("msgprint", filled(stopped, error), user=user)
		raise
	message = filled(
		_("Attribution rebuilt: {0} invoices, {1} lines, {2} stale lines removed."),
		counts["invoices"],
		counts["rows"],
		counts["removed"],
	)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=user)


def check_company(company: str, doctypes: tuple[str, ...] = ("Sales Invoice",)) -> None:
	"""Raise a PermissionError unless the user may see sums over the ledger of a company.

	`may_see_amounts_of` decides.
	"""
	if not may_see_amounts_of(company, doctypes=doctypes):
		frappe.throw(
			_("Your User Permissions allow you to read only a part of the company's ledger."),
			frappe.PermissionError,
		)


def check_members_of(segment: str | None) -> None:
	"""Raise a PermissionError unless the user may see sums over the invoices of a segment's members.

	Such sums reveal the members.

	:param segment: None for no selection, which is allowed
	"""
	if not segment:
		return
	frappe.has_permission("Relation Segment", "read", doc=segment, throw=True)
	if not sees_all():
		frappe.throw(
			_("Sums over the members of a segment require the permission to read all relations."),
			frappe.PermissionError,
		)


@frappe.whitelist(methods=["GET", "POST"])
def balance_sheet(
	campaign: str, company: str | None = None, to_date: str | None = None, account: str | None = None
) -> dict[str, Any]:
	"""Return the balance sheet of a campaign with ERPNext's for comparison, and `may_repair`.

	The format is that of `BalanceSheet.as_dict`. With an account, return all of its vouchers instead:
	`vouchers`.
	"""
	frappe.only_for(READERS)
	sheet = _sheet_for_user(campaign, company, to_date)
	if account:
		return {"vouchers": sheet.all_vouchers(account)}
	return {**sheet.as_dict(), "may_repair": repair.may_repair()}


@frappe.whitelist(methods=["GET", "POST"])
def balance_sheet_pdf(
	campaign: str, company: str | None = None, to_date: str | None = None, language: str | None = None
) -> None:
	"""Download the balance sheet of a campaign as PDF.

	`language` is a code such as `de` or `en`; without it, the language of the user applies. The answer is the
	file.
	"""
	frappe.only_for(READERS)
	sheet = _sheet_for_user(campaign, company, to_date)
	frappe.response.filename = f"{frappe.scrub(_('Campaign Balance Sheet'))}_{sheet.to_date}.pdf"
	frappe.response.filecontent = balance_print.as_pdf(sheet, language)
	frappe.response.type = "pdf"


@frappe.whitelist(methods=["GET", "POST"])
def balance_sheet_csv(campaign: str, company: str | None = None, to_date: str | None = None) -> None:
	"""Download the balance sheet of a campaign as csv. The answer is the file."""
	frappe.only_for(READERS)
	sheet = _sheet_for_user(campaign, company, to_date)
	frappe.response.filename = f"{frappe.scrub(_('Campaign Balance Sheet'))}_{sheet.to_date}.csv"
	frappe.response.filecontent = balance_print.as_csv(sheet)
	frappe.response.content_type = "text/csv"
	frappe.response.type = "download"


@frappe.whitelist(methods=["GET", "POST"])
def preview_repair(
	campaign: str, company: str | None = None, to_date: str | None = None
) -> list[dict[str, Any]]:
	"""Return what *Repair* would do, one row for each voucher. Changes nothing.

	A row has `voucher_type`, `voucher_no`, `date` and `reason`; `blocked` says why the voucher stays
	unchanged.
	"""
	frappe.only_for(READERS)
	_check_may_repair()
	return [row.as_dict() for row in repair.plan(_sheet_for_user(campaign, company, to_date))]


@frappe.whitelist(methods=["POST"])
def repair_vouchers(campaign: str, company: str | None = None, to_date: str | None = None) -> dict[str, Any]:
	"""Repost the vouchers of the preview with their campaign.

	Up to `repair.AT_ONCE` vouchers are reposted at once: `rows` are those of the preview with `repost` and `error`. A job
	reposts larger numbers: `message`, and `workers` that can run it now.
	"""
	frappe.only_for(READERS)
	_check_may_repair()
	sheet = _sheet_for_user(campaign, company, to_date)
	if len(sheet.repairable()) <= repair.AT_ONCE:
		return {"rows": repair.repair(sheet)}
	job = frappe.enqueue(
		repair_job,
		queue="long",
		timeout=4 * 60 * 60,
		job_id="crm_relations_repair_vouchers",
		deduplicate=True,
		campaign=campaign,
		company=sheet.company,
		to_date=sheet.to_date,
		user=frappe.session.user,
	)
	if job:
		message = _("{0} vouchers are being reposted. You will be notified when this is done.").format(
			len(sheet.repairable())
		)
	else:
		message = _("Vouchers are already being reposted.")
	return {"message": message, "workers": workers_of_queue()}


def repair_job(campaign: str, company: str, to_date: str, user: str) -> None:
	"""Run the queued repair with the permissions of the user that started it.

	Progress and result are shown to that user.
	"""
	title = _("Reposting vouchers")

	def show(done: int, total: int) -> None:
		frappe.publish_progress(done * 100 / max(total, 1), title=title)

	rows = repair.repair(make_balance_sheet(campaign, company, to_date), on_done=show, commit=True)
	frappe.db.commit()
	done = len([row for row in rows if row["repost"]])
	message = filled(
		_("{0} vouchers reposted with their campaign, {1} left unchanged."), done, len(rows) - done
	)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=user)


def _sheet_for_user(campaign: str, company: str | None, to_date: str | None) -> BalanceSheet:
	company = company_or_default(company)
	check_company(company)
	if frappe.db.exists("Relation Campaign", campaign):
		frappe.has_permission("Relation Campaign", "read", doc=campaign, throw=True)
	return make_balance_sheet(campaign, company, to_date)


def _check_may_repair() -> None:
	if not repair.may_repair():
		refuse(
			_("You may not repost vouchers: this requires the permission to submit {0}."),
			_(repair.REPOST),
			exception=frappe.PermissionError,
		)
