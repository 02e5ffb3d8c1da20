"""Check the machine for `relations check`: scheduler, workers, job queue and PDF. Writes nothing."""

from collections.abc import Iterator

import frappe
from frappe import _
from frappe.utils import add_to_date, cint, get_datetime, now_datetime
from frappe.utils.background_jobs import get_workers
from rq.timeouts import JobTimeoutException

from crm_relations.relations.facts import queue as facts_queue
from crm_relations.segments.members import queue as segment_queue
from crm_relations.shared.findings import Finding
from crm_relations.shared.text import pdf

#: hours without a job of the scheduler; normally it runs one every few minutes
SILENT_HOURS = 2


def findings() -> Iterator[Finding]:
	"""Yield findings on scheduler, workers, job queue, PDF engine and fonts."""
	yield from _scheduler()
	yield from _workers()
	yield from _pdf()


def _scheduler() -> Iterator[Finding]:
	"""Check the scheduler: without it no later message leaves, and changes do not reach figures and segments."""
	if why := _why_scheduler_is_off():
		message, remedy = why
		yield Finding("warning", "scheduler-off", f"{message} {_waiting()}", remedy)
		return
	latest = frappe.get_all(
		"Scheduled Job Type",
		filters={"stopped": 0, "last_execution": ["is", "set"]},
		pluck="last_execution",
		order_by="last_execution desc",
		limit=1,
	)
	if latest and get_datetime(latest[0]) > add_to_date(now_datetime(), hours=-SILENT_HOURS):
		return
	message = (
		_("The scheduler has not run since {0}.").format(frappe.format(latest[0], "Datetime"))
		if latest
		else _("The scheduler has never run on this site.")
	)
	yield Finding(
		"warning",
		"scheduler-silent",
		f"{message} {_waiting()}",
		_(
			"Start bench schedule and bench worker, or set up production: bench setup production. See: bench doctor."
		),
	)


def _why_scheduler_is_off() -> tuple[str, str] | None:
	"""Return (message, remedy) of what keeps the scheduler from this site, or None."""
	site = frappe.local.site
	if cint(frappe.conf.maintenance_mode):
		return (
			_("The site is in maintenance mode: the scheduler skips it."),
			_("Run: bench --site {0} set-maintenance-mode off").format(site),
		)
	if cint(frappe.conf.pause_scheduler):
		return (
			_("The scheduler is paused on this site (pause_scheduler)."),
			_("Run: bench --site {0} scheduler resume").format(site),
		)
	if cint(frappe.conf.disable_scheduler):
		return (
			_("The scheduler is disabled in the configuration (disable_scheduler)."),
			_("Remove disable_scheduler from the configuration of the site or of the bench"),
		)
	if not cint(frappe.db.get_single_value("System Settings", "enable_scheduler")):
		return (
			_("The scheduler is disabled on this site."),
			_("Run: bench --site {0} enable-scheduler").format(site),
		)
	return None


def _waiting() -> str:
	"""Describe in numbers what waits for the scheduler."""
	changes, segments = facts_queue.length(), segment_queue.length()
	return _(
		"Messages due later are not sent; {0} changes wait to update the figures, {1} to update the segments."
	).format(changes, segments)


def _workers() -> Iterator[Finding]:
	"""Check the workers: without them no job of the desk or of the scheduler runs."""
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


def _pdf() -> Iterator[Finding]:
	"""Check the PDF engine: letters and the statement are printed on the server, with its fonts."""
	try:
		fonts = pdf.fonts_of_this_machine()
	except (ImportError, OSError) as error:
		reason = str(error).splitlines()[0] if str(error) else type(error).__name__
		yield Finding(
			"warning",
			"no-pdf-engine",
			_("No PDF can be made here ({0}): letters become HTML files, statements are not printed.").format(
				reason
			),
			_(
				"Install the libraries of WeasyPrint: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
			),
		)
		return
	if not any(font.startswith(pdf.WANTED) for font in fonts):
		yield Finding(
			"warning",
			"pdf-fonts",
			_(
				"The fonts that letters and statements are laid out for are missing; they are printed in {0}."
			).format(", ".join(sorted(fonts)) or _("no font at all")),
			_("Install them: apt-get install fonts-liberation fonts-dejavu-core"),
		)
