"""Run what the commands call: one function per command, returning (the JSON answer, whether all is well)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import frappe
from frappe import _

from crm_relations.campaigns import queries as campaign_queries
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment
from crm_relations.demo import run as demo_run
from crm_relations.ledger.statements import consolidation
from crm_relations.ledger.statements import statement as ledger_statement
from crm_relations.pipeline.importing import suggestion
from crm_relations.pipeline.importing.run import import_pipeline as run_import
from crm_relations.relations.duplicates import index as duplicate_index
from crm_relations.relations.facts import build as facts
from crm_relations.relations.identities import sync as relations_sync
from crm_relations.segments import queries as segment_queries
from crm_relations.segments.members import jobs as segment_jobs
from crm_relations.segments.members import membership
from crm_relations.setup import check as readiness
from crm_relations.setup import install
from crm_relations.setup.removal import archive, restoring
from crm_relations.shared import live_site
from crm_relations.shared.money import to_decimal
from crm_relations.shared.refusals import refuse

Answer = tuple[dict[str, Any], bool]
Progress = Callable[[str, int, int], None]


def sync(on_progress: Progress, dry_run: bool) -> Answer:
	"""Create or update relations; figures and classes follow at once, without waiting for the scheduler."""
	report = relations_sync.sync(dry_run=dry_run, on_progress=on_progress).as_dict()
	if not dry_run:
		facts.bring_up_to_date()
	return report, True


def facts_rebuild(on_progress: Progress) -> Answer:
	return facts.rebuild().as_dict(), True


def facts_status(on_progress: Progress) -> Answer:
	return facts.status(), True


def check(on_progress: Progress) -> Answer:
	result = readiness.run()
	return result, result["ok"]


def confirm_live_site(on_progress: Progress) -> Answer:
	live_site.confirm()
	frappe.db.commit()
	return {"site": frappe.local.site}, True


def import_pipeline(on_progress: Progress, **options: Any) -> Answer:
	"""Import a pipeline export; not well if the invoices' income differs from the deals' value."""
	result = run_import(on_progress=on_progress, **options)
	return result, to_decimal(result["difference"]) == 0


def export(on_progress: Progress, folder: str) -> Answer:
	return archive.write(Path(folder).absolute(), on_progress=on_progress), True


def restore(on_progress: Progress, folder: str) -> Answer:
	"""Restore an archive; figures, segments and keys follow at once. Not well if rows did not fit the site."""
	report = restoring.restore(Path(folder).absolute(), on_progress=on_progress)
	install.set_up()
	for path in frappe.get_hooks("all_relations_changed"):
		frappe.get_attr(path)()
	frappe.db.commit()
	facts.rebuild()
	duplicate_index.catch_up()
	return report, not any(counts["left_out"] for counts in report["by"].values())


def suggest_mapping(on_progress: Progress, folder: str) -> Answer:
	return suggestion.suggest(folder), True


def segment_preview(on_progress: Progress, name: str, limit: int) -> Answer:
	doc = _get("Relation Segment", name)
	return {"segment": doc.name, **segment_queries.preview_of(doc, limit=limit)}, True


def segment_refresh(on_progress: Progress, name: str) -> Answer:
	segment_jobs.bring_facts_up_to_date()
	return membership.refresh_and_commit(_get("Relation Segment", name).name).as_dict(), True


def campaign_start(on_progress: Progress, name: str) -> Answer:
	return enrollment.start(_get("Relation Campaign", name).name, frappe.session.user), True


def campaign_send(on_progress: Progress, name: str) -> Answer:
	"""Send due emails; not well if a message failed, or sending ended early."""
	doc = _get("Relation Campaign", name)
	counts = dispatch.send(doc.name, on_progress=lambda done, total: on_progress(doc.name, done, total))
	return counts, not counts["failed"] and not counts["stopped"]


def campaign_status(on_progress: Progress, name: str) -> Answer:
	return campaign_queries.status(_get("Relation Campaign", name).name), True


def statement(
	on_progress: Progress,
	campaigns: Sequence[str],
	from_date: str | None,
	to_date: str | None,
	company: str | None,
	salesperson: str | None = None,
	segment: str | None = None,
	consolidated: bool = False,
	currency: str | None = None,
) -> Answer:
	"""Return the statement; not well if it differs from the ledger."""
	if currency and not consolidated:
		frappe.throw(_("--currency goes with --consolidated: a company's statement is in its own currency."))
	selection = (
		company,
		list(campaigns) or None,
		_date(from_date, "--from"),
		_date(to_date, "--to"),
		salesperson,
		segment,
	)
	made = (
		consolidation.consolidated(*selection, currency)
		if consolidated
		else ledger_statement.statement(*selection)
	)
	result = made.as_dict()
	return result, to_decimal(result["difference"]) == 0


def demo(on_progress: Progress, **options: Any) -> Answer:
	result = demo_run.run(on_progress=on_progress, **options)
	return result, to_decimal(result["statement"]["difference"]) == 0


def _get(doctype: str, name: str):
	if not frappe.db.exists(doctype, name):
		known = frappe.get_all(doctype, pluck="name", order_by="name asc", limit=20)
		refuse(
			_("{0} {1} does not exist. Available: {2}"),
			_(doctype),
			name,
			", ".join(known) or _("none"),
			exception=frappe.DoesNotExistError,
		)
	return frappe.get_doc(doctype, name)


def _date(text: str | None, option: str) -> str | None:
	if not text:
		return None
	try:
		return str(frappe.utils.datetime.datetime.strptime(text, "%Y-%m-%d").date())
	except ValueError:
		refuse(_("{0}: {1} is not a date; write it as 2026-01-31."), option, text)
