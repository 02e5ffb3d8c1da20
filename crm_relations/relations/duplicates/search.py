"""Search for duplicates of one relation when it is saved, and of all relations in a job.

Sole writer of `Relation Duplicate Search`. Nothing here blocks a save, and nothing reads a whole table for
one relation: candidates come from index look-ups.
"""

from collections.abc import Callable, Mapping

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html, get_link_to_form, now
from markupsafe import Markup

from crm_relations.relations.duplicates import index, pairs, queries
from crm_relations.relations.duplicates.matching import Candidate, pairs_in_block
from crm_relations.relations.duplicates.queries import ordered
from crm_relations.relations.duplicates.records import BESIDE_OUTLINE, Record
from crm_relations.relations.duplicates.scoring import THRESHOLD, is_hopeless, score
from crm_relations.shared.refusals import filled
from crm_relations.shared.side_effects import deferrable

SEARCH = "Relation Duplicate Search"
#: keys per page of the search over all: at most this many blocks are held in memory
PAGE = 1000
NAMED = 3

Progress = Callable[[int, int], None]


# ── one relation ───────────────────────────────────────────────────────────────────────────────


def candidates(relation: str) -> list[Candidate]:
	"""Return relations that may be the same as this one, the most likely first.

	The others must have their keys in the index. This relation need not: it is read itself.
	"""
	mine = queries.records([relation]).get(relation)
	if not mine:
		return []
	others = {name for names in queries.sharing(mine.keys).values() for name in names} - {relation}
	found = []
	for name, record in queries.records(others).items():
		likely, reasons = score(mine, record)
		if likely >= THRESHOLD:
			found.append(Candidate(*ordered(relation, name), likely, reasons))
	return sorted(found, key=lambda c: (-c.probability, c.one, c.other))[: pairs.MAX_OPEN]


@deferrable
def look_for_relation(doc: Document) -> None:
	"""Search for duplicates of a saved relation; step of an event.

	New candidates are stored and shown to the user; candidates that a correction has settled are deleted.
	"""
	if not looked_at_changed(doc):
		return
	found = candidates(doc.name)
	likely = {(c.one, c.other) for c in found}
	stored = queries.pairs_of(doc.name, pairs.OPEN)
	pairs.withdraw([row["name"] for row in stored if (row["relation"], row["other"]) not in likely])
	_tell(doc.name, pairs.propose(found))


def look_for_relations(mine: Mapping[str, Record]) -> None:
	"""Do for many relations what `look_for_relation` does for one.

	:param mine: relation → its record; their keys are in the index already
	"""
	beside = _worth_comparing(mine)
	others = {name for names in beside.values() for name in names} - mine.keys()
	records = {**queries.records(others), **mine}
	likely: dict[queries.Pair, Candidate | None] = {}
	found: dict[queries.Pair, Candidate] = {}
	for name, names in beside.items():
		pairs_of_one = [ordered(name, other) for other in names if other in records]
		for pair in pairs_of_one:
			if pair not in likely:
				probability, reasons = score(records[pair[0]], records[pair[1]])
				is_likely = probability >= THRESHOLD
				likely[pair] = Candidate(*pair, probability, reasons) if is_likely else None
		candidates_of_one = filter(None, map(likely.__getitem__, pairs_of_one))
		best = sorted(candidates_of_one, key=lambda c: (-c.probability, c.one, c.other))[: pairs.MAX_OPEN]
		found.update({(c.one, c.other): c for c in best})
	stored = queries.open_pairs(list(mine)) if mine else []
	pairs.withdraw([row["name"] for row in stored if not likely.get((row["relation"], row["other"]))])
	pairs.propose(found.values())


def _worth_comparing(mine: Mapping[str, Record]) -> dict[str, set[str]]:
	"""Return relation → others with a common key, without those that their names and addresses rule out.

	Most that share a postcode and a first name are ruled out, and only a few columns of them are read.
	"""
	blocks = queries.sharing({key for record in mine.values() for key in record.keys})
	sharing: dict[str, set[str]] = {}
	#: share an email address or the like, or one that too many share to decide it
	whole: dict[str, set[str]] = {}
	for name, record in mine.items():
		beyond = [key for key in record.keys if key.startswith(BESIDE_OUTLINE)]
		sharing[name] = {other for key in record.keys for other in blocks.get(key, ())} - {name}
		if all(key in blocks for key in beyond):
			whole[name] = {other for key in beyond for other in blocks[key]} - {name}
		else:
			whole[name] = sharing[name]
	asked = {other for name, names in sharing.items() for other in names - whole[name]}
	outlines = queries.outlines(asked - mine.keys())
	outlines.update((name, record.outline()) for name, record in mine.items())
	return {
		name: whole[name]
		| {
			other
			for other in names - whole[name]
			if other in outlines and not is_hopeless(outlines[name], outlines[other])
		}
		for name, names in sharing.items()
	}


def looked_at_changed(doc: Document) -> bool:
	"""Tell whether a save changed anything that the search compares."""
	before = doc.get_doc_before_save()
	if not before:
		return True
	fields = ("disabled", *(f for f in queries.FIELDS if f != "tax_id"))
	if any(doc.has_value_changed(field) for field in fields):
		return True
	return _rows(doc) != _rows(before)


def _rows(doc: Document) -> set[tuple]:
	"""Return documents and further contact points."""
	return {
		*((row.party_type, row.party) for row in doc.get("parties")),
		*((row.point_type, row.value) for row in doc.get("contact_points")),
	}


def _tell(relation: str, new: list[queries.Pair]) -> None:
	"""Show the possible duplicates to the user that saves, if they may read them."""
	if not new or not getattr(frappe.local, "request", None):
		return
	others = [one if other == relation else other for one, other in new]
	readable = [name for name in others[:NAMED] if frappe.has_permission("Relation", "read", doc=name)]
	if not readable:
		return
	names = ", ".join(
		get_link_to_form(
			"Relation", name, escape_html(frappe.db.get_value("Relation", name, "relation_name"))
		)
		for name in readable
	)
	frappe.msgprint(filled(_("Possible duplicate of: {0}"), Markup(names)), alert=True, indicator="orange")


# ── all relations ──────────────────────────────────────────────────────────────────────────────


def search(on_progress: Progress | None = None) -> int:
	"""Search all relations: first write missing keys, then compare every block of relations that share a key.

	Memory is bounded by a page of keys. Commits after each page together with its position. So a run that was
	killed continues where it stopped, and finds nothing twice.

	:param on_progress: called after each page with (done, total) of the phase
	:return: how many new pairs were found in this run and the one that it continues
	"""
	return _Search(on_progress).run()


class _Search:
	def __init__(self, on_progress: Progress | None):
		self.on_progress = on_progress
		stored = (
			frappe.db.get_value(SEARCH, None, ["state", "phase", "position", "found"], as_dict=True) or {}
		)
		goes_on = stored.get("state") == "Running"
		self.phase = stored.get("phase") or "Keys" if goes_on else "Keys"
		self.position = (stored.get("position") or "") if goes_on else ""
		self.found = int(stored.get("found") or 0) if goes_on else 0
		if not goes_on:
			self.note(state="Running", started_on=now(), finished_on=None, relations=0)

	def run(self) -> int:
		if self.phase == "Keys":
			self.total, self.done = frappe.db.count("Relation"), 0
			index.catch_up(self.position, self.page_of_keys)
			self.phase, self.position = "Pairs", ""
			self.note(relations=self.total)
			frappe.db.commit()
		self.pairs()
		self.note(state="Done", phase=None, position=None, finished_on=now())
		frappe.db.commit()
		return self.found

	def page_of_keys(self, last: str, read: int) -> None:
		self.position = last
		self.done += read
		self.note()
		self.show(min(self.done, self.total), self.total)

	def pairs(self) -> None:
		done = queries.count_blocks(self.position) if self.position else 0
		total = queries.count_blocks()
		while blocks := queries.blocks_after(self.position, PAGE):
			self.found += len(pairs.propose(self.compare(blocks)))
			self.position = next(reversed(blocks))
			self.note()
			frappe.db.commit()
			done += len(blocks)
			self.show(min(done, total), total)
		self.show(total, total)

	def compare(self, blocks: dict[str, list[str]]) -> list[Candidate]:
		records = queries.records({name for names in blocks.values() for name in names})
		shared: set[str] = set()
		seen: set[str] = set()
		for names in blocks.values():
			for name in names:
				if record := records.get(name):
					shared |= seen & record.keys
					seen |= record.keys
		too_common = queries.too_common(shared - blocks.keys())
		found = []
		for key, names in blocks.items():
			# a relation may have changed since its keys were written: then it does not belong here any more
			current = [name for name in names if name in records and key in records[name].keys]
			found += pairs_in_block(key, current, records, THRESHOLD, too_common)
		return found

	def note(self, **values) -> None:
		values = {"phase": self.phase, "position": self.position, "found": self.found, **values}
		frappe.db.set_single_value(SEARCH, values, update_modified=False)

	def show(self, done: int, total: int) -> None:
		if self.on_progress:
			self.on_progress(done, total)
