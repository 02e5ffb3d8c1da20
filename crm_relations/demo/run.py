"""Run the main job once on a site: from the contact through a campaign to the balance sheet.

It can be run again: every step finds what it created before and continues from there.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import frappe
from frappe import _

from crm_relations.campaigns import lifecycle
from crm_relations.campaigns import queries as campaigns
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment
from crm_relations.demo import answers, balance, sales, story
from crm_relations.demo import company as companies
from crm_relations.demo.generate import generate
from crm_relations.demo.mailbox import open_mailbox, require_mail_server
from crm_relations.ledger.statements.statement import statement
from crm_relations.pipeline.importing.run import check_company, import_pipeline
from crm_relations.relations.facts import build as facts
from crm_relations.relations.facts import jobs as facts_jobs
from crm_relations.relations.identities.sync import sync
from crm_relations.shared.money import to_string
from crm_relations.shared.refusals import refuse

Progress = Callable[[str, int, int], None]


class Stations:
	"""The stages that were completed, in order, with their counts."""

	def __init__(self, on_progress: Progress):
		self.rows: list[dict[str, Any]] = []
		self.on_progress = on_progress

	def add(self, station: str, count: int | str, what: str) -> None:
		self.rows.append({"station": station, "count": count, "what": what})
		frappe.db.commit()


def run(
	deals: int = 60,
	data: str | Path | None = None,
	company: str | None = None,
	on_progress: Progress | None = None,
) -> dict[str, Any]:
	"""Run the demo; commits.

	:param deals: number of past deals to import
	:param data: folder with a pipeline export that the default mapping reads; None: generated data
	:param company: None: the demo's German company, created on a site that has no company yet
	:return: `company`, `campaign`, `import` (counts), `stations` [{station, count, what}], `statement`
	"""
	require_mail_server()
	on_progress = on_progress or (lambda *_args: None)
	stations = Stations(on_progress)
	company = _company(company)
	imported = _import(deals, data, company, on_progress)
	_switches(company)
	members = story.contacts(_customers(company))
	report = sync(on_progress=on_progress).as_dict()
	stations.add(
		"contact", frappe.db.count("Relation"), _("relations, from {0} documents").format(report["rows_in"])
	)
	try:
		_campaign(company, members, stations, on_progress)
	except BaseException:
		_pause()
		raise
	facts_jobs.refresh_changed()
	facts.determine_classes()
	result = statement(company, [story.CAMPAIGN]).as_dict()
	assets = to_string(balance.assets(company, story.CAMPAIGN))
	stations.add("balance sheet", assets, _("assets of the campaign = its liabilities and profit"))
	return {
		"company": company,
		"campaign": story.CAMPAIGN,
		"import": {
			key: imported[key] for key in ("rows_in", "imported", "rejected", "won_value", "income_posted")
		},
		"stations": stations.rows,
		"statement": result,
	}


def _company(company: str | None) -> str:
	if company:
		if not frappe.db.exists("Company", company):
			refuse(_("Company {0} does not exist."), company, exception=frappe.DoesNotExistError)
	elif frappe.db.exists("Company", companies.COMPANY) or not frappe.db.count("Company"):
		company = companies.complete_setup()
	else:
		refuse(
			_(
				"This site has companies of its own. Name the one in which the demo may post its invoices (--company NAME), or take a new site. Among them: {0}"
			),
			", ".join(frappe.get_all("Company", pluck="name", order_by="name asc", limit=5)),
		)
	check_company(company)
	return company


def _pause() -> None:
	"""Pause the campaign of a demo that ended early; the next run continues with it."""
	frappe.db.rollback()
	if frappe.db.get_value("Relation Campaign", story.CAMPAIGN, "status") == "Running":
		lifecycle.pause(story.CAMPAIGN)
		frappe.db.commit()


def _import(deals: int, data: str | Path | None, company: str, on_progress: Progress) -> dict[str, Any]:
	if data:
		return import_pipeline(data, deals=deals, company=company, on_progress=on_progress)
	with tempfile.TemporaryDirectory() as folder:
		mapping = Path(__file__).parent / "mapping.json"
		return import_pipeline(
			generate(folder, deals), company=company, mapping_file=mapping, on_progress=on_progress
		)


def _switches(company: str) -> None:
	"""Switch on the campaign dimension, so that ERPNext's own reports show it; set a legal notice for the
	emails.
	"""
	story.imprint()
	settings = frappe.get_doc("Relation Settings")
	if not settings.campaign_dimension:
		settings.campaign_dimension = 1
		settings.save(ignore_permissions=True)
	frappe.db.commit()


def _campaign(
	company: str, members: list[tuple[str, str]], stations: Stations, on_progress: Progress
) -> None:
	salesperson = story.salesperson()
	industries = sorted(
		{
			industry
			for relation, _address in members
			if (industry := frappe.db.get_value("Relation", relation, "industry"))
		}
	)
	given = story.consents(members)
	segment = story.segment(industries)
	stations.add("segment", frappe.db.get_value("Relation Segment", segment, "member_count"), f"{segment}")
	story.scheme()
	with open_mailbox():
		campaign = story.campaign(company)
		if frappe.db.get_value("Relation Campaign", campaign, "status") == "Paused":
			lifecycle.resume(campaign)
		enrollment.start(campaign, frappe.session.user)
		frappe.db.commit()
		dispatch.send(campaign, on_progress=lambda done, total: on_progress(campaign, done, total))
	status = campaigns.status(campaign)
	stations.add(
		"campaign",
		status["sent"],
		_("emails sent to {0} members, {1} suppressed; {2} consents").format(
			status["members"], status["suppressed"], given
		),
	)
	clicks, replies, calls = answers.clicks(campaign), answers.replies(campaign), answers.calls(campaign)
	answered = campaigns.status(campaign)["answered"]
	stations.add(
		"answer",
		answered,
		_("responses: {0} clicks, {1} replies, {2} calls").format(clicks, replies, calls),
	)
	stations.add("qualified", _qualified(campaign), _("members with enough points, proposed to sales"))
	accepted = sales.accept(campaign, salesperson)
	stations.add("handed over", accepted, _("handovers accepted, each an opportunity and a task"))
	sold = sales.sell(campaign, _items(company))
	for station in ("quotation", "order", "invoice", "payment", "credit note"):
		stations.add(station, sold[station], _("documents of the campaign"))


def _customers(company: str) -> list[str]:
	"""Return the customers that the imports of this company created."""
	return sorted(
		set(
			frappe.get_all(
				"Relation Import Record",
				filters={
					"document_type": "Customer",
					"state": "Imported",
					"source": ["like", f"%→ {company}"],
				},
				pluck="document_name",
				order_by="document_name asc",
			)
		)
	)


def _items(company: str) -> list[str]:
	return frappe.get_all(
		"Relation Import Record",
		filters={"document_type": "Item", "state": "Imported", "source": ["like", f"%→ {company}"]},
		pluck="document_name",
		order_by="creation asc, document_name asc",
	)


def _qualified(campaign: str) -> int:
	return frappe.db.count("Relation Handover", {"campaign": campaign})
