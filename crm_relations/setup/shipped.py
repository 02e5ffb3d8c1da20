"""Read from the app's own files what it installs: names that must be free at install and that are removed at
uninstall.
"""

import json
from functools import cache
from pathlib import Path

MODULE = "CRM Relations"
APP_NAME = "crm_relations"
ROLES = ("Relation Manager", "Relation User", "Relation Confidential")
#: Global default that lists the roles this app has created. It outlives an uninstall that failed half-way, so
#: that the next install can distinguish these roles from those of an administrator.
ROLES_KEY = "crm_relations_roles"

_FOLDER = Path(__file__).resolve().parents[1] / "crm_relations"


@cache
def records() -> dict[str, tuple[str, ...]]:
	"""Return doctype → names of the documents in the module's folder: DocType, Report, Page, Number Card, Workspace …"""
	found: dict[str, set[str]] = {}
	for path in _FOLDER.glob("*/*/*.json"):
		content = json.loads(path.read_text(encoding="utf-8"))
		found.setdefault(content["doctype"], set()).add(content["name"])
	return {doctype: tuple(sorted(names)) for doctype, names in sorted(found.items())}


def doctypes() -> tuple[str, ...]:
	"""Return the names of the app's doctypes."""
	return records()["DocType"]
