"""Report to `relations check` whether the facts exist and changes are processed. Writes nothing."""

import frappe
from frappe import _
from frappe.utils import add_days, add_to_date, get_datetime, getdate, now_datetime

from crm_relations.relations.facts import build
from crm_relations.relations.facts.sources import FACTS
from crm_relations.shared.findings import Finding

#: changes that wait longer than this many hours are reported
PATIENCE = 2


#: days after which the classes are out of date; they are determined daily
CLASSES_LAST = 2


def findings() -> list[Finding]:
	"""Yield findings on unprocessed changes, missing figures and missing classes."""
	state = build.status()
	return [*_waiting(state), *_missing(state), *_classes(state)]


def _waiting(state: dict[str, int | str | None]) -> list[Finding]:
	since = state["waiting_since"]
	if not since or get_datetime(since) > add_to_date(now_datetime(), hours=-PATIENCE):
		return []
	return [
		Finding(
			"warning",
			"facts-waiting",
			_("{0} changes have been waiting since {1} to update the figures of the relations.").format(
				state["changes_waiting"], frappe.format(since, "Datetime")
			),
			_rebuild(),
		)
	]


def _missing(state: dict[str, int | str | None]) -> list[Finding]:
	"""Report customers with orders if no relation has figures."""
	if state["facts"] or not frappe.db.exists("Sales Invoice", {"docstatus": 1}):
		return []
	return [
		Finding(
			"warning",
			"facts-missing",
			_("There are invoices, but no relation has figures; {0} changes wait.").format(
				state["changes_waiting"]
			),
			_rebuild(),
		)
	]


def _classes(state: dict[str, int | str | None]) -> list[Finding]:
	"""Report customers without classes of recency, frequency and monetary value, or with outdated ones."""
	unclassed = frappe.db.count(FACTS, {"orders": [">", 0], "recency_class": 0})
	if unclassed:
		return [
			Finding(
				"warning",
				"classes-missing",
				_("{0} customers have no classes of recency, frequency and monetary value.").format(
					unclassed
				),
				_rebuild(),
			)
		]
	day = state["classes_of"]
	if not day or getdate(day) >= add_days(getdate(), -CLASSES_LAST):
		return []
	return [
		Finding(
			"warning",
			"classes-old",
			_(
				"The classes of recency, frequency and monetary value are of {0}; they are determined daily."
			).format(frappe.format(day, "Date")),
			_rebuild(),
		)
	]


def _rebuild() -> str:
	return _("See that the scheduler runs, or run: bench --site {0} relations facts rebuild").format(
		frappe.local.site
	)
