"""Test breakdown and overlap of segments with the reader's permissions, and outdated requests of a builder."""

import threading
import time

import frappe
import pytest

from crm_relations.segments import api
from crm_relations.segments.analysis import preview_requests
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def of_town(town: str) -> dict:
	return {"version": 1, "all": [{"field": "city", "operator": "=", "value": town}]}


def segment_of(*relations: str) -> str:
	segment = factories.segment().name
	membership.add_members(segment, list(relations))
	return segment


def by_value(found: list[dict], field: str) -> dict:
	rows = next(one["rows"] for one in found if one["field"] == field)
	return {row["value"]: row["count"] for row in rows}


@pytest.fixture
def town():
	return factories.unique("Stadt")


def test_the_breakdown_counts_each_value_and_what_is_not_known(town):
	for industry in ("Banking", "Banking", "Software", None):
		factories.relation(city=town, industry=industry)
	factories.relation(city="elsewhere", industry="Banking")
	found = api.breakdown(of_town(town))
	assert [one["field"] for one in found] == ["industry", "role", "territory", "age_group"]
	assert by_value(found, "industry") == {"Banking": 2, "Software": 1, None: 1}
	assert by_value(found, "role") == {}


def test_only_the_largest_values_are_shown_and_the_others_counted(town):
	for i in range(10):
		name = factories.insert("Industry Type", industry=factories.unique(f"Branche {i}")).name
		for _k in range(2 if i == 7 else 1):
			factories.relation(city=town, industry=name)
	found = api.breakdown(of_town(town))[0]
	assert len(found["rows"]) == 8 and found["others"] == 2
	assert found["rows"][0]["count"] == 2


def test_the_breakdown_hides_what_the_user_may_not_read(town):
	factories.relation(city=town, country="Germany", industry="Banking")
	factories.relation(city=town, country="France", industry="Banking")
	user = factories.user(None, "Relation User")
	factories.insert("User Permission", user=user, allow="Country", for_value="Germany")
	frappe.set_user(user)
	assert by_value(api.breakdown(of_town(town)), "industry") == {"Banking": 1}


def test_the_breakdown_of_a_broken_rule_names_the_place():
	with pytest.raises(frappe.ValidationError, match=r"all\[0\].field"):
		api.breakdown({"version": 1, "all": [{"field": "nothing", "operator": "=", "value": "x"}]})


def test_the_overlap_is_a_matrix_of_members():
	one, two, three = (factories.relation().name for _i in range(3))
	segments = [segment_of(one, two), segment_of(two, three), segment_of()]
	membership.remove_members(segments[1], [three])
	found = api.overlap(segments)
	assert found["segments"] == segments
	assert found["members"] == [2, 1, 0]
	assert found["both"] == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_the_overlap_counts_only_relations_that_the_user_may_read():
	germany, france = (factories.relation(country=country).name for country in ("Germany", "France"))
	segments = [segment_of(germany, france), segment_of(germany, france)]
	user = factories.user(None, "Relation User")
	factories.insert("User Permission", user=user, allow="Country", for_value="Germany")
	frappe.set_user(user)
	assert api.overlap(segments)["both"] == [[1, 1], [1, 1]]


def test_the_overlap_needs_two_segments_and_takes_ten():
	segments = [segment_of() for _i in range(11)]
	for wrong in (segments[:1], segments, [segments[0], segments[0]]):
		with pytest.raises(frappe.ValidationError, match="between 2 and 10"):
			api.overlap(wrong)
	assert len(api.overlap(segments[:10])["members"]) == 10


def test_the_overlap_refuses_a_segment_that_the_user_may_not_read():
	segments = [segment_of(), segment_of()]
	with pytest.raises(frappe.PermissionError):
		api.overlap([segments[0], "nobody"])
	frappe.set_user(factories.user(None, "Projects User"))
	with pytest.raises(frappe.PermissionError):
		api.overlap(segments)


def test_the_segments_of_a_relation_have_their_dates():
	relation = factories.relation().name
	now_in, was_in = segment_of(relation), segment_of(relation)
	membership.remove_members(was_in, [relation])
	rows = api.segments_of(relation)
	assert [(row["segment"], bool(row["left_on"])) for row in rows] == [(now_in, False), (was_in, True)]
	assert all(row["entered"] for row in rows)


def test_the_segments_of_a_relation_are_for_its_readers():
	relation = factories.relation().name
	frappe.set_user(factories.user(None, "Projects User"))
	with pytest.raises(frappe.PermissionError):
		api.segments_of(relation)


# Outdated requests


def test_a_question_older_than_the_newest_is_not_answered():
	builder = frappe.generate_hash(length=8)
	rule = {"version": 1, "all": []}
	assert "count" in api.preview(rule, 1, builder, 2)
	assert api.preview(rule, 1, builder, 1) == {"outdated": True}
	assert "count" in api.preview(rule, 1, builder, 3)
	assert "count" in api.preview(rule, 1, frappe.generate_hash(length=8), 1)


def test_a_newer_question_stops_the_query_of_the_one_before():
	if frappe.db.db_type != "mariadb":
		pytest.skip("other databases are not asked to stop")
	builder, site, ended = frappe.generate_hash(length=8), frappe.local.site, []

	def slow() -> None:
		frappe.init(site=site, sites_path=".")
		frappe.connect()
		try:
			with preview_requests.latest_only(builder, 1):
				frappe.db.sql("SELECT SLEEP(20) FROM `tabDocType` LIMIT 1")
				ended.append("finished")
		except preview_requests.Superseded:
			ended.append("stopped")
		finally:
			frappe.destroy()

	thread = threading.Thread(target=slow)
	began = time.monotonic()
	thread.start()
	key = f"crm_relations:question:Administrator:{builder}"
	while not frappe.cache.get_value(key, expires=True) and time.monotonic() - began < 10:
		time.sleep(0.05)
	time.sleep(0.3)
	with preview_requests.latest_only(builder, 2):
		thread.join(10)
	assert ended == ["stopped"]
	assert time.monotonic() - began < 12
