"""What `relations check` asks of the facts: are they there, and are changes taken in?"""

import frappe
from frappe import _
from frappe.utils import add_to_date, get_datetime, now_datetime

from crm_relations.relations.facts import build
from crm_relations.shared.findings import Finding

#: changes that wait longer than this many hours have been forgotten
PATIENCE = 2


def findings() -> list[Finding]:
	"""Changes that nobody takes in."""
	state = build.status()
	since = state["waiting_since"]
	if not since or get_datetime(since) > add_to_date(now_datetime(), hours=-PATIENCE):
		return []
	return [
		Finding(
			"warning",
			"facts-waiting",
			_("{0} changes wait to be taken into the figures of the relations, since {1}.").format(
				state["changes_waiting"], frappe.format(since, "Datetime")
			),
			_("See that the scheduler runs, or run: bench --site {0} relations facts rebuild").format(
				frappe.local.site
			),
		)
	]
