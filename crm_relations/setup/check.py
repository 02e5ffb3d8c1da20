"""Collect the findings of `relations check` from every package and from `machine_checks`. Writes nothing."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import frappe
from frappe import _
from frappe.utils import strip_html

from crm_relations.setup import collisions, machine_checks
from crm_relations.shared.findings import Finding, Level

PACKAGES = ("relations", "segments", "campaigns", "interactions", "qualification", "pipeline", "ledger")
LEVELS = ("error", "warning", "info")


def run() -> dict[str, Any]:
	"""Return all findings, errors first.

	:return: `ok` (no finding is an error) and `findings` [{level, code, message, remedy}]
	"""
	found = [*machine_checks.findings(), *_deferred(), *_collisions(), *_packages()]
	found.sort(key=lambda finding: LEVELS.index(finding.level))
	return {
		"ok": all(finding.level != "error" for finding in found),
		# the texts also appear in dialogs, which set names in bold
		"findings": [
			{key: strip_html(value) for key, value in finding.as_dict().items()} for finding in found
		],
	}


def _packages() -> Iterator[Finding]:
	for package in PACKAGES:
		name = f"crm_relations.{package}.checks"
		if find_spec(name):  # not every package has a check
			yield from import_module(name).findings()


def _deferred() -> Iterator[Finding]:
	"""Report side effects of documents that failed and wait for another attempt, or were given up."""
	levels: dict[str, Level] = {"Given Up": "error", "Open": "warning"}
	for status, level in levels.items():
		if number := frappe.db.count("Relation Deferred Step", {"status": status}):
			yield Finding(
				level,
				"deferred-steps",
				_("{0} side effects of documents are {1}.").format(number, _(status)),
				_("See the list Relation Deferred Step; each entry shows its reason."),
			)


def _collisions() -> Iterator[Finding]:
	"""Report objects of others that were added since the install under names that the app needs."""
	for found in collisions.after_install():
		yield Finding("error", "name-collision", found.message, found.remedy)
