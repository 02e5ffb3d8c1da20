"""`relations check`: what every package finds about itself, and whether the site's scheduler and workers run."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import frappe
from frappe import _
from frappe.utils import strip_html
from frappe.utils.background_jobs import get_workers
from frappe.utils.scheduler import is_scheduler_inactive
from rq.timeouts import JobTimeoutException

from crm_relations.shared.findings import Finding

PACKAGES = ("relations", "segments", "campaigns", "interactions", "qualification", "pipeline", "ledger")
LEVELS = ("error", "warning", "info")


def run() -> dict[str, Any]:
	"""All findings, errors first.

	:return: `ok` (no finding is an error) and `findings` [{level, code, message, remedy}]
	"""
	found = [*_jobs(), *_deferred(), *_packages()]
	found.sort(key=lambda finding: LEVELS.index(finding.level))
	return {
		"ok": all(finding.level != "error" for finding in found),
		# the texts come from dialogs too, which set names in bold
		"findings": [
			{key: strip_html(value) for key, value in finding.as_dict().items()} for finding in found
		],
	}


def _packages() -> Iterator[Finding]:
	for package in PACKAGES:
		name = f"crm_relations.{package}.checks"
		if find_spec(name):  # not every package has something to check
			yield from import_module(name).findings()


def _jobs() -> Iterator[Finding]:
	"""Without scheduler nobody sends what falls due later; without workers nobody does the desk's jobs."""
	if is_scheduler_inactive(verbose=False):
		yield Finding(
			"warning",
			"scheduler-off",
			_("The scheduler does not run: messages that fall due later are not sent by themselves."),
			_("Run: bench --site {0} enable-scheduler, and see that bench schedule runs.").format(
				frappe.local.site
			),
		)
	try:
		workers = get_workers()
	except JobTimeoutException:
		raise
	except Exception as error:  # Redis is down: a connection error of its own library
		yield Finding(
			"error",
			"no-queue",
			_("The job queue (Redis) does not answer: {0}").format(error),
			_("Start Redis, for example by bench start."),
		)
		return
	if not workers:
		yield Finding(
			"warning",
			"no-workers",
			_("No worker runs: what is started in the desk (campaigns, refreshing) waits."),
			_("Start one, for example by bench start or bench worker."),
		)


def _deferred() -> Iterator[Finding]:
	"""Side effects that failed beside an invoice and wait for another try, or were given up."""
	for status, level in (("Given Up", "error"), ("Open", "warning")):
		if number := frappe.db.count("Relation Deferred Step", {"status": status}):
			yield Finding(
				level,
				"deferred-steps",
				_("{0} side effects of documents are {1}.").format(number, _(status)),
				_("See the list Relation Deferred Step; the reason stands in each."),
			)
