"""Build the SQL of the facts: it turns the rows of the sources into rows of our tables. The engine runs it.

`rows` returns all rows of a table as one query, and `insert` writes them. `fill` writes a whole table. On
MariaDB it works in slices of the customers with groups that fit into memory, with the sources side by side:
combined by UNION, all their rows would go through a temporary table on the disk, which takes several times as
long. All give the same result.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import frappe
from frappe.query_builder import Case
from frappe.query_builder.functions import Coalesce, Max, Min, Sum
from frappe.query_builder.terms import ParameterizedValueWrapper as Value
from frappe.utils import getdate, now
from pypika import CustomFunction
from pypika.functions import Concat
from pypika.queries import QueryBuilder
from pypika.terms import NullValue, Term, Values

from crm_relations.relations.facts.sources import (
	FACTS,
	ITEM_GROUPS,
	FactSource,
	Fold,
	Scope,
	item_groups,
	sources,
)

Greatest = CustomFunction("GREATEST", ["one", "other"])
Least = CustomFunction("LEAST", ["one", "other"])
Md5 = CustomFunction("MD5", ["text"])
DateDiff = CustomFunction("DATEDIFF", ["later", "earlier"])

FOLD = {"sum": Sum, "max": Max, "min": Min}
#: the same, for the stored value and the new one; either may be unknown
MERGE = {
	"sum": lambda old, new: old + new,
	"max": lambda old, new: Greatest(Coalesce(old, new), Coalesce(new, old)),
	"min": lambda old, new: Least(Coalesce(old, new), Coalesce(new, old)),
}

ITEM_GROUP_FOLDS = {
	"amount": "sum",
	"amount_12_months": "sum",
	"margin_12_months": "sum",
	"margin_base_12_months": "sum",
	"last_bought": "max",
}

#: customers with documents grouped in one query: few enough for the groups to stay in memory (16 MB by
#: MariaDB's default; a name takes 560 bytes there); on the disk they take several times as long
CUSTOMERS_AT_ONCE = 8_000
ITEM_GROUPS_AT_ONCE = 3_000

Row = dict[str, Term]


def rows(doctype: str, scope: Scope) -> tuple[list[str], QueryBuilder]:
	"""Return columns, and the query that selects all rows of the table for the scope."""
	query, row = _item_group_rows(scope) if doctype == ITEM_GROUPS else _folded_rows(doctype, scope)
	return list(row), query.select(*(term.as_(column) for column, term in row.items()))


def insert(doctype: str, scope: Scope) -> None:
	"""Write the rows of the scope in one query; none of them is in the table."""
	columns, query = rows(doctype, scope)
	made = query.as_("made")
	into = frappe.qb.into(frappe.qb.DocType(doctype)).columns(*columns).from_(made)
	into.select(*(made[column] for column in columns)).run()


def fill(doctype: str, scope: Scope) -> None:
	"""Write all rows of the table, which is empty; for Relation Facts without `derived` columns and classes."""
	table = frappe.qb.DocType(doctype)
	if frappe.db.db_type != "mariadb":
		insert(doctype, scope)
		return
	if doctype == ITEM_GROUPS:
		for some in _slices(scope, ITEM_GROUPS_AT_ONCE):
			_fold_in(table, *_item_group_parts(some), ITEM_GROUP_FOLDS)
		return
	parts = sources(doctype)
	together = [part for part in parts if part.by == "customer"]
	if together:
		with _grouped_at_once():
			for some in _slices(scope, CUSTOMERS_AT_ONCE):
				_fold_in(table, *_customer_rows(together, some), _folds(together))
	for part in parts:
		if part not in together:
			_fold_in(table, *_part_rows(part, scope), part.columns)


def _slices(scope: Scope, size: int) -> Iterator[Scope]:
	"""Yield the scope of all in slices of this many customers, along the keys that begin with the customer."""
	party = frappe.qb.DocType("Relation Party")
	query = frappe.qb.from_(party).select(party.party).where(party.party_type == "Customer")
	borders = query.orderby(party.party).run(pluck=True)[size - 1 :: size]
	for after, last in zip([None, *borders], [*borders, None], strict=True):
		yield replace(scope, between=(after, last))


def derived(fact: Any, scope: Scope) -> Row:
	"""Return the columns of Relation Facts that are derived from others; `fill` leaves them out."""
	days = (scope.today - getdate(scope.start_12)).days
	return {
		# mean days from one order day to the next
		"rhythm_days": Case()
		.when(fact.order_days > 1, DateDiff(fact.last_order, fact.first_order) / (fact.order_days - 1))
		.else_(0),
		# days sales outstanding = receivables ÷ sales on credit × days, both with taxes (Brealey, Myers, Allen:
		# Principles of Corporate Finance, there "average collection period")
		"days_sales_outstanding": Case()
		.when(fact.billed_12_months > 0, fact.open_amount / fact.billed_12_months * days)
		.else_(0),
	}


def _folds(parts: list[FactSource]) -> dict[str, Fold]:
	return {column: fold for part in parts for column, fold in part.columns.items()}


def _fold_in(table: Any, query: QueryBuilder, row: Row, folds: Mapping[str, Fold]) -> None:
	"""Write rows into the table; if one exists, add them to it."""
	# the names differ, so that those below can only mean the existing row
	coming = query.select(*(term.as_(f"new_{column}") for column, term in row.items())).as_("coming")
	query = frappe.qb.into(table).columns(*row).from_(coming)
	query = query.select(*(coming[f"new_{column}"] for column in row))
	for column, fold in folds.items():
		query = query.on_duplicate_key_update(table[column], MERGE[fold](table[column], Values(column)))
	query.run()


@contextmanager
def _grouped_at_once() -> Iterator[None]:
	"""Force MariaDB to group all documents at once.

	It would otherwise group the documents of each customer separately when it joins them: two hundred
	thousand small reads in wide rows, instead of one along the key.
	"""
	frappe.db.sql("SET SESSION optimizer_switch = 'split_materialized=off'")
	try:
		yield
	finally:
		frappe.db.sql("SET SESSION optimizer_switch = 'split_materialized=default'")


def _customer_rows(parts: list[FactSource], scope: Scope) -> tuple[QueryBuilder, Row]:
	"""Return all sources by customer side by side, one row per customer and company.

	Each source is grouped already and is joined by key, and the row is written once.
	"""
	party, company = frappe.qb.DocType("Relation Party"), frappe.qb.DocType("Company")
	query = frappe.qb.from_(party).join(company).on(company.name != "").where(party.party_type == "Customer")
	query = scope.of_customers(query, party.party)
	columns: dict[str, list[Term]] = {}
	folds = _folds(parts)
	found = []
	for number, part in enumerate(parts):
		own = part.rows(scope).as_(f"own_{number}")
		query = query.left_join(own).on((own.party == party.party) & (own.company == company.name))
		found.append(own.party)
		for column in part.columns:
			columns.setdefault(column, []).append(own[column])
	row = {
		**_head(Concat(party.parent, "-", company.abbr)),
		"relation": party.parent,
		"company": company.name,
		"currency": company.default_currency,
	}
	for column, terms in columns.items():
		terms = [_number(FACTS, column, term) for term in terms]
		merged = terms[0]
		for term in terms[1:]:
			merged = MERGE[folds[column]](merged, term)
		row[column] = merged
	return query.where(Coalesce(*found, "") != ""), row


def _item_group_parts(scope: Scope) -> tuple[QueryBuilder, Row]:
	"""Return what each customer bought of an item group; two customers of one relation have two rows with one
	name.
	"""
	sold, party = item_groups(scope).as_("sold"), frappe.qb.DocType("Relation Party")
	company = frappe.qb.DocType("Company")
	group = Coalesce(sold.item_group, "")
	row = {
		**_head(Concat(party.parent, "-", Md5(Concat(sold.company, "|", group)))),
		"relation": party.parent,
		"company": sold.company,
		"item_group": group,
		"currency": company.default_currency,
		**{column: sold[column] for column in ITEM_GROUP_FOLDS},
	}
	query = (
		frappe.qb.from_(sold)
		.join(party)
		.on((party.party_type == "Customer") & (party.party == sold.party))
		.join(company)
		.on(company.name == sold.company)
	)
	return query, row


def _item_group_rows(scope: Scope) -> tuple[QueryBuilder, Row]:
	query, row = _item_group_parts(scope)
	keys = [row[key] for key in ("relation", "company", "item_group")]
	folded = {column: FOLD[fold](row[column]) for column, fold in ITEM_GROUP_FOLDS.items()}
	return query.groupby(*keys), {**row, "currency": Max(row["currency"]), **folded}


def _folded_rows(doctype: str, scope: Scope) -> tuple[QueryBuilder, Row]:
	"""Return all sources combined by UNION, then grouped: one row for each relation (and company)."""
	folds = _folds(sources(doctype))
	united: Any = None
	for part in sources(doctype):
		query, row = _part_rows(part, scope)
		columns = {column: row.get(column, NullValue()) for column in _keys(doctype) + list(folds)}
		query = query.select(*_named(columns))
		united = query if united is None else united * query
	united = united.as_("united")
	keys = [united[key] for key in _keys(doctype)]
	folded = (
		frappe.qb.from_(united)
		.groupby(*keys)
		.select(
			*keys,
			*(
				_number(doctype, column, FOLD[fold](united[column])).as_(column)
				for column, fold in folds.items()
			),
		)
	)
	fact = folded.as_("fact")
	row = {
		**_head(fact.name),
		**{column: fact[column] for column in (*_keys(doctype)[1:], *folds)},
		**(derived(fact, scope) if doctype == FACTS else {}),
	}
	return frappe.qb.from_(fact), row


def _keys(doctype: str) -> list[str]:
	return ["name", "relation", "company", "currency"] if doctype == FACTS else ["name", "relation"]


def _part_rows(part: FactSource, scope: Scope) -> tuple[QueryBuilder, Row]:
	"""Return the rows of one source with name and relation; a party without a relation is left out."""
	own = part.rows(scope).as_("own")
	query, relation = _of_relation(own, part.by)
	columns = {column: _number(part.doctype, column, own[column]) for column in part.columns}
	if part.doctype != FACTS:
		known = frappe.qb.DocType("Relation")
		query = query.join(known).on(known.name == relation)
		return query, {**_head(relation), "relation": relation, **columns}
	company = frappe.qb.DocType("Company")
	query = query.join(company).on(company.name == own.company)
	keys = {"relation": relation, "company": own.company, "currency": company.default_currency}
	return query, {**_head(Concat(relation, "-", company.abbr)), **keys, **columns}


def _of_relation(own: QueryBuilder, by: str) -> tuple[QueryBuilder, Term]:
	"""Return a query from the rows of a source, and the term for the relation of each row."""
	if by == "relation":
		return frappe.qb.from_(own), own.relation
	party = frappe.qb.DocType("Relation Party")
	party_type = own.party_type if by == "party" else "Customer"
	joined = frappe.qb.from_(own).join(party)
	return joined.on((party.party_type == party_type) & (party.party == own.party)), party.parent


def _number(doctype: str, column: str, term: Term) -> Term:
	"""Return 0 for NULL: numbers cannot be NULL in Frappe's tables."""
	dated = frappe.get_meta(doctype).get_field(column).fieldtype in ("Date", "Datetime")
	return term if dated else Coalesce(term, 0)


def _named(row: Row) -> list[Term]:
	return [term.as_(column) for column, term in row.items()]


def _head(name: Term) -> Row:
	stamp, user = now(), frappe.session.user
	return {
		"name": name,
		"owner": Value(user),
		"modified_by": Value(user),
		"creation": Value(stamp),
		"modified": Value(stamp),
	}
