"""Read for the duplicate search, set-based and by index. Writes nothing."""

from collections.abc import Collection, Iterable
from typing import Any

import frappe
from frappe.query_builder.functions import Count, Max
from pypika.terms import Parameter

from crm_relations.relations.duplicates.matching import MAX_BLOCK
from crm_relations.relations.duplicates.records import FIELDS, OUTLINE, Record
from crm_relations.relations.party_documents.sources import Row
from crm_relations.shared.in_lists import one_of_many

KEY, PAIR, MERGE = "Relation Blocking Key", "Relation Duplicate", "Relation Merge"
Pair = tuple[str, str]

#: documents with a tax number: it is read in place, and not copied into the relation
TAXED = ("Customer", "Supplier")
#: type of a relation's further contact points → its name here
POINTS = {"Email": "emails", "Phone": "phones", "Mobile": "phones"}
DEFAULT_REGION = "DE"


def ordered(one: str, other: str) -> Pair:
	"""Return a pair in its one order, so that it is stored once."""
	return (one, other) if one < other else (other, one)


# ── records ────────────────────────────────────────────────────────────────────────────────────


def records(relations: Iterable[str]) -> dict[str, Record]:
	"""Return relation → its record; disabled and missing relations are left out. Seven reads."""
	relations = list(relations)
	if not relations:
		return {}
	table = frappe.qb.DocType("Relation")
	columns = [field for field in FIELDS if field != "tax_id"]
	rows = (
		frappe.qb.from_(table)
		.select(table.name, *[table[column] for column in columns])
		.where(one_of_many(table.name, relations) & (table.disabled == 0))
	).run(as_dict=True)
	known = known_by_documents([row["name"] for row in rows])
	by_country, default = regions()
	result = {}
	for row in rows:
		more = known.get(row["name"], {})
		row["tax_id"] = more.get("tax_id")
		region = by_country.get(row["country"], default)
		result[row["name"]] = Record(row, region, more.get("emails", ()), more.get("phones", ()))
	return result


def outlines(relations: Collection[str]) -> dict[str, Record]:
	"""Return relation → its name, address and date of birth, like `records`, but in one read of few columns."""
	if not relations:
		return {}
	table = frappe.qb.DocType("Relation")
	rows = (
		frappe.qb.from_(table)
		.select(table.name, *[table[column] for column in OUTLINE])
		.where(one_of_many(table.name, relations) & (table.disabled == 0))
	).run()
	return {name: Record(dict(zip(OUTLINE, values, strict=True))) for name, *values in rows}


def records_of_new(docs: Iterable[Any]) -> dict[str, Record]:
	"""Return relation → its record, for relations that have just been written and have no documents yet."""
	by_country, default = regions()
	result = {}
	for doc in docs:
		if doc.disabled:
			continue
		more: dict[str, list[str]] = {"emails": [], "phones": []}
		for row in doc.contact_points:
			if row.point_type in POINTS:
				more[POINTS[row.point_type]].append(row.value)
		values = {field: doc.get(field) for field in FIELDS}
		result[doc.name] = Record(values, by_country.get(doc.country, default), **more)
	return result


def known_by_documents(relations: Collection[str]) -> dict[str, Row]:
	"""Return relation → `tax_id` of its documents, and `emails` and `phones` in addition to its own fields."""
	if not relations:
		return {}
	party = frappe.qb.DocType("Relation Party")
	found: dict[str, Row] = {}
	for doctype in TAXED:
		table = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(party)
			.join(table)
			.on((party.party_type == doctype) & (party.party == table.name))
			.select(party.parent, table.tax_id)
			.where(one_of_many(party.parent, relations) & (table.tax_id != ""))
			.orderby(party.since)
			.orderby(party.party)
		).run()
		for relation, tax_id in rows:
			found.setdefault(relation, {}).setdefault("tax_id", tax_id)
	for doctype, column, kind in (
		("Contact Email", "email_id", "emails"),
		("Contact Phone", "phone", "phones"),
	):
		table = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(party)
			.join(table)
			.on((party.party_type == "Contact") & (party.party == table.parent))
			.select(party.parent, table[column])
			.where(one_of_many(party.parent, relations) & (table[column] != ""))
		).run()
		for relation, value in rows:
			found.setdefault(relation, {}).setdefault(kind, []).append(value)
	point = frappe.qb.DocType("Relation Contact Point")
	rows = (
		frappe.qb.from_(point)
		.select(point.parent, point.point_type, point.value)
		.where(one_of_many(point.parent, relations) & point.point_type.isin(list(POINTS)))
	).run()
	for relation, kind, value in rows:
		found.setdefault(relation, {}).setdefault(POINTS[kind], []).append(value)
	return found


def regions() -> tuple[dict[str, str], str]:
	"""Return country → ISO code, and the code of the site's country, for numbers without a country code."""
	if cached := getattr(frappe.local, "relation_regions", None):
		return cached
	table = frappe.qb.DocType("Country")
	codes = {
		name: code.upper()
		for name, code in frappe.qb.from_(table).select(table.name, table.code).run()
		if code
	}
	own = codes.get(frappe.defaults.get_global_default("country") or "", DEFAULT_REGION)
	frappe.local.relation_regions = (codes, own)
	return codes, own


# ── keys ───────────────────────────────────────────────────────────────────────────────────────


def keys_of(relations: Collection[str]) -> dict[str, set[str]]:
	"""Return relation → its stored keys."""
	result: dict[str, set[str]] = {}
	if relations:
		table = frappe.qb.DocType(KEY)
		rows = (
			frappe.qb.from_(table)
			.select(table.relation, table.value)
			.where(one_of_many(table.relation, relations))
			.run()
		)
		for relation, value in rows:
			result.setdefault(relation, set()).add(value)
	return result


def sharing_query(keys: Iterable[str], limit: int = MAX_BLOCK + 1) -> Any:
	"""Return a query of (value, relation) for these keys: one index look-up per key, at most `limit` rows
	each.
	"""
	table = frappe.qb.DocType(KEY)
	query = None
	for key in sorted(keys):
		one = (
			frappe.qb.from_(table).select(table.value, table.relation).where(table.value == key).limit(limit)
		)
		query = one if query is None else query.union_all(one)
	return query


def _look_ups(number: int) -> str:
	"""Return the text of `sharing_query` for this many keys: building the query of thousands of them takes
	longer than running it.
	"""
	table = frappe.qb.DocType(KEY)
	query = frappe.qb.from_(table).select(table.value, table.relation).where(table.value == Parameter("%s"))
	return " union all ".join([f"({query.limit(MAX_BLOCK + 1).get_sql()})"] * number)


#: keys in one query of `sharing`
LOOK_UPS = 500


def sharing(keys: Collection[str]) -> dict[str, list[str]]:
	"""Return key → relations that have it; keys that too many share are left out."""
	blocks: dict[str, list[str]] = {}
	wanted = sorted(keys)
	for start in range(0, len(wanted), LOOK_UPS):
		page = wanted[start : start + LOOK_UPS]
		for value, relation in frappe.db.sql(_look_ups(len(page)), page):
			blocks.setdefault(value, []).append(relation)
	return {value: names for value, names in blocks.items() if len(names) <= MAX_BLOCK}


def _shared(table: Any) -> Any:
	"""Return the query of the keys that two or more relations share, but not too many."""
	enough = (Count("*") > 1) & (Count("*") <= MAX_BLOCK)
	return frappe.qb.from_(table).select(table.value).groupby(table.value).having(enough)


def count_blocks(until: str | None = None) -> int:
	"""Count the shared keys; up to and including `until` if it is given."""
	table = frappe.qb.DocType(KEY)
	shared = _shared(table)
	if until is not None:
		shared = shared.where(table.value <= until)
	return frappe.qb.from_(shared).select(Count("*")).run()[0][0]


def blocks_after(position: str, limit: int) -> dict[str, list[str]]:
	"""Return the next shared keys after `position` with their relations, in the database's order, from the
	index alone.
	"""
	table = frappe.qb.DocType(KEY)
	shared = _shared(table).where(table.value > position).orderby(table.value).limit(limit)
	rows = (
		frappe.qb.from_(shared)
		.join(table)
		.on(table.value == shared.value)
		.select(table.value, table.relation)
		.orderby(table.value)
	).run()
	blocks: dict[str, list[str]] = {}
	for value, relation in rows:
		blocks.setdefault(value, []).append(relation)
	return blocks


def too_common(keys: Collection[str]) -> set[str]:
	"""Return those of these keys that too many relations share to compare them all."""
	if not keys:
		return set()
	table = frappe.qb.DocType(KEY)
	return set(
		(
			frappe.qb.from_(table)
			.select(table.value)
			.where(one_of_many(table.value, keys))
			.groupby(table.value)
			.having(Count("*") > MAX_BLOCK)
		).run(pluck=True)
	)


def stale(after: str, limit: int) -> tuple[list[str], str | None]:
	"""Return those of the next `limit` relations with missing or outdated keys, and where the page ends.

	:return: names, and the last name of the page; None if there are no more
	"""
	relation, key = frappe.qb.DocType("Relation"), frappe.qb.DocType(KEY)
	rows = (
		frappe.qb.from_(relation)
		.select(relation.name, relation.modified, relation.disabled)
		.where(relation.name > after)
		.orderby(relation.name)
		.limit(limit)
	).run()
	if not rows:
		return [], None
	written = dict(
		(
			frappe.qb.from_(key)
			.select(key.relation, Max(key.modified))
			.where(one_of_many(key.relation, [row[0] for row in rows]))
			.groupby(key.relation)
		).run()
	)
	names = [
		name
		for name, modified, disabled in rows
		if (name in written if disabled else name not in written or written[name] < modified)
	]
	return names, rows[-1][0]


# ── pairs ──────────────────────────────────────────────────────────────────────────────────────


def pairs_among(pairs: Collection[Pair]) -> dict[Pair, Row]:
	"""Return those of the pairs that are stored."""
	if not pairs:
		return {}
	table = frappe.qb.DocType(PAIR)
	rows = (
		frappe.qb.from_(table)
		.select(table.name, table.relation, table.other, table.state, table.probability, table.reasons)
		.where(one_of_many(table.relation, {one for one, _other in pairs}))
		.where(one_of_many(table.other, {other for _one, other in pairs}))
	).run(as_dict=True)
	return {(row["relation"], row["other"]): row for row in rows if (row["relation"], row["other"]) in pairs}


def open_pairs(relations: Collection[str]) -> list[Row]:
	"""Return the open pairs in which one of the relations occurs."""
	table = frappe.qb.DocType(PAIR)
	query = frappe.qb.from_(table).select(table.name, table.relation, table.other, table.probability)
	one, other = (
		query.where(one_of_many(side, relations) & (table.state == "Open"))
		for side in (table.relation, table.other)
	)
	return one.union(other).run(as_dict=True)


def pairs_of(relation: str, *states: str) -> list[Row]:
	"""Return stored pairs of a relation, the most likely first: two index look-ups."""
	table = frappe.qb.DocType(PAIR)
	result: list[Row] = []
	for side in (table.relation, table.other):
		query = (
			frappe.qb.from_(table)
			.select(
				table.name,
				table.relation,
				table.other,
				table.state,
				table.probability,
				table.reasons,
				table.decided_by,
				table.decided_on,
			)
			.where(side == relation)
		)
		if states:
			query = query.where(table.state.isin(states))
		result += query.run(as_dict=True)
	return sorted(result, key=lambda row: (-row["probability"], row["name"]))
