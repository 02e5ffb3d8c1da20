"""Serve the desk's calls for duplicates."""

from typing import Any

import frappe
from frappe import _

from crm_relations.relations.duplicates import pairs, queries, search
from crm_relations.relations.duplicates.queries import MERGE, PAIR
from crm_relations.relations.duplicates.scoring import LEVELS, WEIGHTS
from crm_relations.relations.merging import merging
from crm_relations.shared.refusals import filled

#: reasons that disclose what only the role for confidential data may read → the field
_CONFIDENTIAL = {"birth": "date_of_birth"}


@frappe.whitelist(methods=["GET", "POST"])
def candidates(relation: str) -> list[dict]:
	"""Return open pairs of a relation with another side that the user may read.

	Each has `pair`, `other`, `other_name`, `probability`, `reasons`.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	result = []
	for row in queries.pairs_of(relation, pairs.OPEN, pairs.SAME):
		other = row["other"] if row["relation"] == relation else row["relation"]
		if frappe.has_permission("Relation", "read", doc=other):
			result.append(
				{
					"pair": row["name"],
					"other": other,
					"other_name": frappe.db.get_value("Relation", other, "relation_name"),
					"state": row["state"],
					"probability": row["probability"],
					"reasons": _reasons(row["reasons"]),
				}
			)
	return result


@frappe.whitelist(methods=["GET", "POST"])
def compare(pair: str) -> dict:
	"""Return both sides of a pair for comparison: as `merging.preview`, and `state`, `probability`,
	`reasons`.

	The older side is the surviving one, unless the user swaps them.
	"""
	frappe.has_permission(PAIR, "read", doc=pair, throw=True)
	row = frappe.db.get_value(
		PAIR, pair, ["relation", "other", "state", "probability", "reasons"], as_dict=True
	)
	_check_both(row.relation, row.other)
	created = {name: frappe.db.get_value("Relation", name, "creation") for name in (row.relation, row.other)}
	keep, other = sorted(created, key=lambda name: (created[name], name))
	return {
		"pair": pair,
		"state": row.state,
		"probability": row.probability,
		"reasons": _reasons(row.reasons),
		"relation": row.relation,
		"suggested": keep,
		"preview": merging.preview(keep, other),
	}


@frappe.whitelist(methods=["GET", "POST"])
def preview(keep: str, other: str) -> dict:
	"""Return what a merge of the two would do: see `merging.preview`."""
	frappe.has_permission("Relation", "read", doc=keep, throw=True)
	frappe.has_permission("Relation", "read", doc=other, throw=True)
	return merging.preview(keep, other)


@frappe.whitelist(methods=["POST"])
def decide(pair: str, state: str) -> str:
	"""Record a decision (Same, Different, Later, Open) about a pair; return the state."""
	frappe.has_permission(PAIR, "write", doc=pair, throw=True)
	row = frappe.db.get_value(PAIR, pair, ["relation", "other"], as_dict=True)
	_check_both(row.relation, row.other)
	pairs.decide(pair, state)
	return state


@frappe.whitelist(methods=["POST"])
def merge(keep: str, other: str, take: list | str | None = None) -> str:
	"""Merge relation `other` into `keep`; return the name of the Relation Merge.

	Needs permission to change the one and to delete the other.

	:param take: fields for which the other's value wins
	"""
	frappe.has_permission("Relation", "write", doc=keep, throw=True)
	frappe.has_permission("Relation", "write", doc=other, throw=True)
	frappe.has_permission("Relation", "delete", doc=other, throw=True)
	fields = frappe.parse_json(take) if isinstance(take, str) else take
	return merging.merge(keep, other, fields or ())


@frappe.whitelist(methods=["POST"])
def undo(merge: str, different: bool = False) -> list[str]:
	"""Undo a merge; return one line for each value that was changed since and was left as it is."""
	frappe.has_permission(MERGE, "write", doc=merge, throw=True)
	kept = frappe.db.get_value(MERGE, merge, "kept")
	frappe.has_permission("Relation", "write", doc=kept, throw=True)
	frappe.has_permission("Relation", "create", throw=True)
	return merging.undo(merge, different)


@frappe.whitelist(methods=["POST"])
def start_search() -> str:
	"""Queue the search over all relations; return a message for the user."""
	frappe.only_for(["System Manager", "Relation Manager"])
	frappe.enqueue(
		search_job,
		queue="long",
		timeout=4 * 60 * 60,
		job_id="crm_relations_duplicates",
		deduplicate=True,
		user=frappe.session.user,
	)
	return _("All relations are being searched. You will be notified when this is done.")


def search_job(user: str) -> None:
	"""Run the queued search; progress and result go to the user's desk."""
	title = _("Searching for duplicates")

	def show(done: int, total: int) -> None:
		frappe.publish_progress(done * 100 / max(total, 1), title=title, user=user)

	found = search.search(on_progress=show)
	message = filled(_("{0} new pairs of possible duplicates."), found)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=user)


def search_weekly() -> None:
	"""Run the scheduled search over all relations, without a user that waits for it."""
	search.search()


def _check_both(one: str, other: str) -> None:
	for name in (one, other):
		frappe.has_permission("Relation", "read", doc=name, throw=True)


def _reasons(stored: str | None) -> list[dict[str, Any]]:
	"""Return texts of the levels, supporting ones first; `weight` is log2 of the likelihood ratio."""
	levels = frappe.get_meta("Relation").get_permlevel_access("read")
	result = []
	for name in (stored or "").split():
		field = _CONFIDENTIAL.get(name.split("_")[0])
		if name not in LEVELS or (
			field and frappe.get_meta("Relation").get_field(field).permlevel not in levels
		):
			continue
		result.append({"text": _(LEVELS[name].reason), "weight": round(WEIGHTS[name], 1)})
	return sorted(result, key=lambda row: -row["weight"])
