"""Tell whether this is the live site or a restored copy. A copy must not write to customers a second time.

The live site is remembered with the first message that leaves. Four marks identify it: site name, database,
public address, and a key in the site's configuration file, which a restore of the database does not copy.
Where one of them differs, all automatic messages are held back until an administrator confirms that this is
the live site now.
"""

import json
import os
from pathlib import Path

import frappe
from frappe import _
from frappe.installer import update_site_config
from frappe.utils import strip_html

SETTINGS, FIELD = "Relation Settings", "live_site"
#: name of the key in site_config.json
MARK = "crm_relations_live_site"


def hindrance() -> str:
	"""Return why nothing may leave this site automatically, as plain text; empty if nothing prevents it."""
	known, here = _remembered(), _here()
	if not known or known == here:
		return ""
	return strip_html(
		_(
			"This site is a copy of {0} (database {1}): campaigns, sign-up mails and notices are held back. If this is the live site now, a System Manager confirms that on a campaign."
		).format(known["site"], known["database"])
	)


def remember() -> None:
	"""Register this site as the live one if none is known yet. Called before a message leaves."""
	if not _remembered():
		confirm()


def confirm() -> None:
	"""Register this site as the live one from now on. The caller has checked the permission."""
	path = _configuration()  # the file may be read-only; then the other marks must suffice
	if MARK not in _stored_configuration() and os.access(path, os.W_OK):
		update_site_config(MARK, frappe.generate_hash(length=20), validate=False)
	frappe.db.set_single_value(
		SETTINGS, FIELD, json.dumps(_here(), ensure_ascii=False), update_modified=False
	)
	frappe.clear_document_cache(SETTINGS, SETTINGS)


def _remembered() -> dict[str, str] | None:
	stored = frappe.db.get_single_value(SETTINGS, FIELD, cache=False)
	return json.loads(stored) if stored else None


def _here() -> dict[str, str]:
	return {
		"site": frappe.local.site,
		"database": frappe.conf.db_name or "",
		"address": frappe.conf.host_name or "",
		"mark": _stored_configuration().get(MARK) or "",
	}


def _stored_configuration() -> dict:
	"""Read the file itself: a process keeps the configuration that it started with."""
	path = _configuration()
	return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _configuration() -> Path:
	return Path(frappe.get_site_path("site_config.json"))
