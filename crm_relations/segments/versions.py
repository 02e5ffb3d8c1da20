"""Store a segment's rule version by version. Sole writer of `Relation Segment Rule`.

Each version has its own row. Frappe's Version is not used: it holds differences, it is deleted when a site
cleans its logs, and a membership names its version of the rule.
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
	"""Store the new version of a segment's rule."""
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
	"""Delete the versions of a deleted segment."""
	frappe.db.delete(DOCTYPE, {"segment": segment})


def of(segment: str) -> list[dict[str, Any]]:
	"""Return the versions, newest first: version, changed_by, changed_at, words in the reader's language.

	For a rule that can no longer be read, the words are those stored with it.
	"""
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
