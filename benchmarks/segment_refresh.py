"""Measure ten segments of a million relations: full refresh with dated membership, and refresh of 1,000
changed relations.

* *first refresh*: the segment has no members yet, and all relations that match enter. The peer does the same
  work by hand. It uses one temporary table with the names, and one INSERT … SELECT of whole member documents
  (names of their own, dates, rule version) into the same table with its keys. Bar: 1.5.
* *refresh*: a thousandth of the members were removed and as many other relations added; both are corrected,
  with dates. The peer by hand: the names into a temporary table, an UPDATE with a join, an INSERT with a
  join, the count. Bar: 1.5.
* *1,000 changed*: the members among 1,000 relations are updated, against a fiftieth of the full refresh. Bar:
  1.

Both use the same temporary tables in memory. The members at the end are compared. Seconds are processor time
of this process and of its thread in the database (see measuring.py). Data as for `segment_preview.py`;
members are rolled back.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/segment_refresh.py
"""

import argparse
import sys
from functools import partial
from typing import Any

import frappe
from frappe.utils import now_datetime
from measuring import connected_site, report, row, timed
from segment_data import Market
from segment_preview import say
from segment_questions import QUESTIONS, Question, days

from crm_relations.segments.members import membership
from crm_relations.shared import temp_tables
from crm_relations.shared.isolation import reading_what_is_committed

BAR = 1.5
PART = 50
CHANGED = 1_000
SEGMENT = "BS Segment"
#: one in this number of members is removed, and as many other relations are added
DISTURBED = 1_000


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument(
		"--relations", type=int, default=1_000_000, help="a fifth of them buy; five lines each"
	)
	parser.add_argument("--runs", type=int, default=2)
	parser.add_argument("--only", nargs="*", metavar="KEY", help="only these questions")
	parser.add_argument("--keep", action="store_true", help="leave the made-up rows for the next run")
	arguments = parser.parse_args()
	with connected_site():
		market = Market(arguments.relations, arguments.relations // 5, arguments.relations * 5)
		market.load(say)
		make_records()
		try:
			with reading_what_is_committed():
				asked = [one for one in QUESTIONS if not arguments.only or one.key in arguments.only]
				report([one for question in asked for one in measure(question, arguments.runs)])
		finally:
			frappe.db.rollback()
			if not arguments.keep:
				market.remove(say)


def make_records() -> None:
	"""Create the records that the rules name; a rule with a missing record is broken."""
	for doctype, name, values in (
		("Industry Type", "industry", [f"BS Industry {number}" for number in range(20)]),
		("Brand", "brand", [f"BS Brand {number}" for number in range(25)]),
	):
		for value in values:
			if not frappe.db.exists(doctype, value):
				frappe.get_doc({"doctype": doctype, name: value}).insert()
	if not frappe.db.exists("Relation Campaign", "BS Spring"):
		campaign = frappe.new_doc("Relation Campaign")
		campaign.update({"name": "BS Spring", "campaign_name": "BS Spring"})
		campaign.db_insert()
	frappe.db.commit()


def measure(question: Question, runs: int) -> list[dict[str, Any]]:
	"""Return the rows of the report for one question; everything is rolled back to the start."""
	seconds: dict[str, list[float]] = {
		name: [] for name in ("first", "hand first", "again", "hand again", "few")
	}
	for _number in range(runs):
		frappe.db.commit()
		segment = make_segment(question)
		seconds["hand first"].append(timed(partial(by_hand, segment, question)))
		found = members(segment)
		frappe.db.delete(membership.MEMBER, {"segment": segment})
		frappe.db.savepoint("empty")
		seconds["first"].append(timed(partial(membership.refresh, segment)))
		same(question, found, members(segment))
		disturb(segment)
		frappe.db.savepoint("disturbed")
		seconds["hand again"].append(timed(partial(by_hand, segment, question)))
		same(question, found, members(segment))
		frappe.db.rollback(save_point="disturbed")
		seconds["again"].append(timed(partial(membership.refresh, segment)))
		same(question, found, members(segment))
		names = changed(segment)
		seconds["few"].append(timed(partial(membership.refresh_changed, segment, names)))
		same(question, found, members(segment))
		frappe.db.rollback()
	say(f"{question.key}: " + ", ".join(f"{name} {min(times):.2f} s" for name, times in seconds.items()))
	part = [one / PART for one in seconds["again"]]
	more = {"key": question.key, "members": found}
	return [
		row(f"first refresh: {question.words}", seconds["first"], seconds["hand first"], BAR, **more),
		row(f"refresh: {question.words}", seconds["again"], seconds["hand again"], BAR, **more),
		row(f"{CHANGED} changed: {question.words}", seconds["few"], part, 1.0, **more),
	]


def make_segment(question: Question) -> str:
	doc = frappe.get_doc(
		{
			"doctype": "Relation Segment",
			"segment_name": f"{SEGMENT} {question.key}",
			"kind": "Dynamic",
			"rule": question.rule,
		}
	)
	return doc.insert().name


def members(segment: str) -> int:
	"""Return the number of present members; by hand and by ours it must be equal, and of the same relations."""
	return frappe.db.sql(
		"""SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(CRC32(relation)), 0)) FROM `tabRelation Segment Member`
		WHERE segment = %s AND left_on IS NULL""",
		segment,
	)[0][0]


def same(question: Question, wanted: str, found: str) -> None:
	if found != wanted:
		sys.exit(f"{question.key}: members differ: {found}, not {wanted}")


def by_hand(segment: str, question: Question) -> None:
	"""Send the statements of an expert for this one rule."""
	now = now_datetime()
	values = {**days(), "segment": segment, "now": str(now), "head": frappe.generate_hash(length=10)}
	with temp_tables.in_memory():
		frappe.db.sql("/* */ DROP TEMPORARY TABLE IF EXISTS bs_matched")
		frappe.db.sql(
			"/* */ CREATE TEMPORARY TABLE bs_matched (PRIMARY KEY (name)) SELECT name FROM tabRelation LIMIT 0"
		)
		frappe.db.sql(f"INSERT IGNORE INTO bs_matched {question.names}", values)
		frappe.db.sql(
			"""UPDATE `tabRelation Segment Member` m LEFT JOIN bs_matched b ON b.name = m.relation
			SET m.left_on = %(now)s, m.modified = %(now)s, m.modified_by = 'Administrator'
			WHERE m.segment = %(segment)s AND m.left_on IS NULL AND b.name IS NULL""",
			values,
		)
		frappe.db.sql(
			"""INSERT INTO `tabRelation Segment Member` (name, creation, modified, owner, modified_by, docstatus, idx,
				segment, relation, entered, rule_version)
			SELECT CONCAT(%(head)s, '-', b.name), %(now)s, %(now)s, 'Administrator', 'Administrator', 0, 0,
				%(segment)s, b.name, %(now)s, 1
			FROM bs_matched b LEFT JOIN `tabRelation Segment Member` m
				ON m.segment = %(segment)s AND m.left_on IS NULL AND m.relation = b.name
			WHERE m.name IS NULL""",
			values,
		)
		count = frappe.db.sql(
			"SELECT COUNT(*) FROM `tabRelation Segment Member` WHERE segment = %s AND left_on IS NULL",
			segment,
		)[0][0]
		frappe.db.sql(
			"UPDATE `tabRelation Segment` SET member_count = %s, last_refreshed = %s WHERE name = %s",
			(count, values["now"], segment),
		)
		frappe.db.sql("/* */ DROP TEMPORARY TABLE bs_matched")


def disturb(segment: str) -> None:
	"""Remove members and add other relations without a reason."""
	frappe.db.sql(
		"""UPDATE `tabRelation Segment Member` SET left_on = '2026-01-01'
		WHERE segment = %s AND left_on IS NULL AND CRC32(relation) %% %s = 0""",
		(segment, DISTURBED),
	)
	frappe.db.sql(
		"""INSERT INTO `tabRelation Segment Member` (name, creation, modified, owner, modified_by, docstatus, idx,
			segment, relation, entered, rule_version)
		SELECT CONCAT('BS-X-', r.name), NOW(), NOW(), 'Administrator', 'Administrator', 0, 0, %(segment)s, r.name,
			'2026-01-01', 1
		FROM `tabRelation` r WHERE CRC32(r.name) %% %(part)s = 1 AND r.name NOT IN (
			SELECT m.relation FROM `tabRelation Segment Member` m WHERE m.segment = %(segment)s AND m.left_on IS NULL)""",
		{"segment": segment, "part": DISTURBED},
	)


def changed(segment: str) -> list[str]:
	"""Return 1,000 relations; 100 of them are members against the rule, or missing."""
	names = frappe.db.sql_list(
		"SELECT name FROM `tabRelation` WHERE CRC32(name) %% 997 = 5 ORDER BY MD5(name) LIMIT %s", CHANGED
	)
	if len(names) < CHANGED:
		names = frappe.db.sql_list("SELECT name FROM `tabRelation` ORDER BY MD5(name) LIMIT %s", CHANGED)
	frappe.db.delete(membership.MEMBER, {"segment": segment, "relation": ["in", names[:100]]})
	return names


if __name__ == "__main__":
	main()
