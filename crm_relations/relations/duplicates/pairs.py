"""Store possible duplicates and the decisions about them. Sole writer of `Relation Duplicate`.

A decision outlives every search: a stored pair is never proposed again.
"""

from collections import Counter
from collections.abc import Collection, Iterable

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import now

from crm_relations.relations.duplicates import queries
from crm_relations.relations.duplicates.matching import Candidate
from crm_relations.relations.duplicates.queries import PAIR, Pair, ordered
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.in_lists import one_of_many
from crm_relations.shared.refusals import refuse
from crm_relations.shared.side_effects import deferrable
from crm_relations.shared.text.outside_text import insert_rows, plain_values

#: open pairs of one relation: a user can review this many, and namesakes must not fill the list
MAX_OPEN = 10

OPEN, SAME, DIFFERENT, LATER = "Open", "Same", "Different", "Later"
DECISIONS = (SAME, DIFFERENT, LATER, OPEN)
#: if two decisions meet because two relations were merged, the firmer one holds
_FIRMNESS = (OPEN, LATER, SAME, DIFFERENT)

COLUMNS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"relation",
	"other",
	"state",
	"probability",
	"reasons",
	"found_on",
	"title",
)
#: length of each name in the title of a pair
_NAME_LENGTH = 66


def propose(candidates: Iterable[Candidate]) -> list[Pair]:
	"""Store candidates as open pairs; return those that are new. Decided pairs stay as they are.

	A relation keeps its `MAX_OPEN` most likely open pairs.
	"""
	found = {ordered(c.one, c.other): c for c in candidates}
	known = queries.pairs_among(found)
	stamp, user = now(), frappe.session.user
	new = _likeliest({pair: percent(found[pair]) for pair in found if pair not in known})
	called = _names({name for pair in new for name in pair})
	rows = [
		(
			frappe.generate_hash(length=16),
			*(user, user, stamp, stamp),
			*pair,
			OPEN,
			percent(found[pair]),
			" ".join(found[pair].reasons),
			stamp,
			" / ".join(called.get(name, name)[:_NAME_LENGTH] for name in pair),
		)
		for pair in new
	]
	if rows:
		# another process may have stored one since it was read: the unique key prevents a duplicate
		insert_rows(PAIR, COLUMNS, rows, ignore_duplicates=True)
	for pair, row in known.items():
		said = {"probability": percent(found[pair]), "reasons": " ".join(found[pair].reasons)}
		if row["state"] in (OPEN, LATER) and any(row[field] != value for field, value in said.items()):
			frappe.db.set_value(PAIR, row["name"], plain_values(PAIR, said))
	return new


def _likeliest(new: dict[Pair, float]) -> list[Pair]:
	"""Return the new pairs that are among the most likely of both relations; withdraw open pairs that no
	longer are.

	:param new: pair → probability in percent
	"""
	if not new:
		return []
	relations = {name for pair in new for name in pair}
	stored = {(row["relation"], row["other"]): row for row in queries.open_pairs(relations)}
	ranked = new | {pair: row["probability"] for pair, row in stored.items()}
	count: Counter[str] = Counter()
	kept = set()
	for pair in sorted(ranked, key=lambda pair: (-ranked[pair], pair)):
		if all(count[name] < MAX_OPEN for name in pair):
			kept.add(pair)
			count.update(pair)
	withdraw([row["name"] for pair, row in stored.items() if pair not in kept])
	return [pair for pair in new if pair in kept]


def _names(relations: Collection[str]) -> dict[str, str]:
	table = frappe.qb.DocType("Relation")
	query = frappe.qb.from_(table).select(table.name, table.relation_name)
	return dict(query.where(one_of_many(table.name, relations)).run()) if relations else {}


def percent(candidate: Candidate) -> float:
	return round(candidate.probability * 100, 2)


def withdraw(names: Collection[str]) -> None:
	"""Delete open pairs that are no longer candidates, because a user corrected one side."""
	if names:
		frappe.db.delete(PAIR, {"name": ["in", list(names)], "state": OPEN})


def decide(name: str, state: str) -> None:
	"""Record the decision of a user: the same, different, later, or open again.

	:raises frappe.ValidationError: no such decision
	"""
	if state not in DECISIONS:
		refuse(_("State: {0} is not one of {1}."), state, ", ".join(map(_, DECISIONS)))
	doc = frappe.get_doc(PAIR, name, for_update=True)
	decided = state != OPEN
	doc.update(
		{
			"state": state,
			"decided_by": frappe.session.user if decided else None,
			"decided_on": now() if decided else None,
		}
	)
	trusted(doc).save(ignore_permissions=True)


def transfer(keep: str, other: str) -> None:
	"""Move the pairs of relation `other` to `keep` when it is merged.

	If two pairs become one, the firmer decision holds; the pair of the two relations themselves is settled.
	"""
	theirs = queries.pairs_of(other)
	targets = {row["name"]: ordered(keep, _beside(row, other)) for row in theirs}
	present = queries.pairs_among({pair for pair in targets.values() if pair[0] != pair[1]})
	gone = []
	for row in theirs:
		pair = targets[row["name"]]
		if pair[0] == pair[1]:
			gone.append(row["name"])
		elif pair not in present:
			values = {"relation": pair[0], "other": pair[1]}
			frappe.db.set_value(PAIR, row["name"], values, update_modified=False)
		else:
			gone.append(row["name"])
			if _FIRMNESS.index(row["state"]) > _FIRMNESS.index(present[pair]["state"]):
				decision = {field: row[field] for field in ("state", "decided_by", "decided_on")}
				frappe.db.set_value(PAIR, present[pair]["name"], decision, update_modified=False)
	if gone:
		frappe.db.delete(PAIR, {"name": ["in", gone]})


@deferrable
def forget(doc: Document) -> None:
	"""Delete the pairs of a relation that is being deleted; step of an event."""
	if names := [row["name"] for row in queries.pairs_of(doc.name)]:
		frappe.db.delete(PAIR, {"name": ["in", names]})


def _beside(row: dict, relation: str) -> str:
	return row["other"] if row["relation"] == relation else row["relation"]
