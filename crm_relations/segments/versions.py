"""What a segment's rule said, version by version. Alone writes `Relation Segment Rule`.

A row of its own for each version, and not Frappe's Version: those hold differences, are thrown away when a site
tidies its logs, and a membership names the version that it rests on.
"""

from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import now

from crm_relations.segments.compilation import compiler
from crm_relations.segments.description import describe_rule
from crm_relations.segments.language.rules import RuleError
from crm_relations.shared.access.system_fields import trusted

DOCTYPE = "Relation Segment Rule"


def keep(doc: Document) -> None:
	"""The rule of a segment was saved in a new version."""
	if not doc.rule or frappe.db.exists(DOCTYPE, {"segment": doc.name, "version": doc.rule_version}):
		return
	trusted(
		frappe.get_doc(
			{
				"doctype": DOCTYPE,
				"segment": doc.name,
				"version": doc.rule_version,
				"changed_by": frappe.session.user,
				"changed_at": now(),
				"words": describe_rule.describe(compiler.parse(doc.rule)),
				"rule": doc.rule,
			}
		)
	).insert(ignore_permissions=True)


def forget(segment: str) -> None:
	"""The segment is deleted, and its versions with it."""
	frappe.db.delete(DOCTYPE, {"segment": segment})


def of(segment: str) -> list[dict[str, Any]]:
	"""The versions, newest first: version, changed_by, changed_at, words in the reader's language (as they were written
	down where the rule cannot be read any more)."""
	rows = frappe.get_all(
		DOCTYPE,
		filters={"segment": segment},
		fields=["version", "changed_by", "changed_at", "words", "rule"],
		order_by="version desc",
	)
	for row in rows:
		try:
			row.words = describe_rule.describe(compiler.parse(row.pop("rule")))
		except RuleError:
			row.words = _("{0} (can no longer be read)").format(row.words)
	return rows
