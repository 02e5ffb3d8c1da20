"""Test the members of a segment over time: entries, exits, and what a refresh must not do."""

import frappe
import pytest
from frappe.utils import get_datetime, now_datetime

from crm_relations.segments import api, checks
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.commits import in_another_session

pytestmark = pytest.mark.site


def rule(city: str) -> dict:
	return {"version": 1, "all": [{"field": "city", "operator": "=", "value": city}]}


def segment(city: str | None = None, **values):
	"""Create a dynamic segment of the relations in a city, or a manual one."""
	values = {
		"segment_name": factories.unique("Segment"),
		"kind": "Dynamic" if city else "Manual",
		"rule": rule(city) if city else None,
		**values,
	}
	return factories.insert("Relation Segment", **values)


def rows(name: str) -> list[dict]:
	return frappe.get_all(
		"Relation Segment Member",
		filters={"segment": name},
		fields=["name", "relation", "entered", "left_on", "rule_version", "owner", "creation"],
		order_by="entered asc, relation asc",
	)


def members(name: str) -> set[str]:
	return set(membership.current(name).run(pluck=True))


# Refresh


def test_a_refresh_lets_enter_and_leave_with_dates():
	city = factories.unique("Stadt")
	doc = segment(city)
	one, two = factories.relation(city=city), factories.relation(city=city)
	first = membership.refresh(doc.name)
	assert (first.entered, first.left, first.members) == (2, 0, 2)
	assert members(doc.name) == {one.name, two.name}

	one.db_set("city", "Elsewhere")
	three = factories.relation(city=city)
	second = membership.refresh(doc.name)
	assert (second.entered, second.left, second.members) == (1, 1, 2)
	assert members(doc.name) == {two.name, three.name}

	one.db_set("city", city)
	third = membership.refresh(doc.name)
	assert (third.entered, third.left, third.members) == (1, 0, 3)
	history = [row for row in rows(doc.name) if row.relation == one.name]
	assert [bool(row.left_on) for row in history] == [True, False]
	assert history[0].entered < history[0].left_on < history[1].entered


def test_a_second_refresh_changes_nothing():
	city = factories.unique("Stadt")
	doc = segment(city)
	factories.relation(city=city)
	membership.refresh(doc.name)
	before = rows(doc.name)
	again = membership.refresh(doc.name)
	assert (again.entered, again.left, again.members) == (0, 0, 1)
	assert rows(doc.name) == before


def test_a_refresh_keeps_count_date_and_rule_version_and_is_no_edit_of_the_segment():
	city = factories.unique("Stadt")
	doc = segment(city)
	relation = factories.relation(city=city)
	before = now_datetime()
	membership.refresh(doc.name)
	fresh = frappe.get_doc("Relation Segment", doc.name)
	assert fresh.member_count == 1
	assert get_datetime(fresh.last_refreshed) >= before
	assert str(fresh.modified) == str(doc.modified)

	fresh.rule = {"version": 1, "any": [*rule(city)["all"], *rule(factories.unique("Stadt"))["all"]]}
	fresh.save()
	assert fresh.rule_version == 2
	later = factories.relation(city=city)
	membership.refresh(doc.name)
	assert {row.relation: row.rule_version for row in rows(doc.name)} == {relation.name: 1, later.name: 2}


def test_members_are_whole_documents():
	city = factories.unique("Stadt")
	doc = segment(city)
	factories.relation(city=city)
	membership.refresh(doc.name)
	member = frappe.get_doc("Relation Segment Member", rows(doc.name)[0].name)
	assert member.owner == "Administrator"
	assert get_datetime(member.creation) == get_datetime(member.entered)
	member.save()


def test_many_enter_and_leave_in_one_refresh():
	city = factories.unique("Stadt")
	doc = segment(city)
	names = [f"{doc.name}-{i}" for i in range(membership.CHUNK + 500)]
	columns = ["name", "relation_name", "relation_kind", "city", "creation", "modified"]
	now = str(now_datetime())
	frappe.db.bulk_insert("Relation", columns, [[name, name, "Person", city, now, now] for name in names])
	assert membership.refresh(doc.name).entered == len(names)
	table = frappe.qb.DocType("Relation")
	frappe.qb.update(table).set(table.city, "x").where((table.city == city) & (table.name != names[0])).run()
	result = membership.refresh(doc.name)
	assert (result.left, result.members) == (len(names) - 1, 1)


def test_a_broken_rule_says_so_and_keeps_the_members():
	city = factories.unique("Stadt")
	doc = segment(city)
	factories.relation(city=city)
	membership.refresh(doc.name)
	doc.db_set("rule", '{"version": 1, "all": [{"field": "gone", "operator": "=", "value": "x"}]}')
	with pytest.raises(frappe.ValidationError, match=r"all\[0\]\.field"):
		membership.refresh(doc.name)
	assert len(members(doc.name)) == 1


def test_a_segment_that_does_not_exist_is_named():
	with pytest.raises(frappe.DoesNotExistError, match="No such segment"):
		membership.refresh("No such segment")


# Two sessions at a time. These tests commit, and remove what they commit.


@pytest.fixture
def committed():
	"""Commit a segment with one relation that will become its member."""
	city = factories.unique("Stadt")
	relation, doc = factories.relation(city=city), segment(city)
	frappe.db.commit()
	yield doc, relation
	frappe.db.rollback()
	doc.delete()
	relation.delete()
	frappe.db.commit()


def test_one_refresh_of_a_segment_at_a_time(committed):
	doc, _relation = committed
	membership.refresh(doc.name)
	(answer,) = in_another_session(lambda: membership.refresh(doc.name))
	assert isinstance(answer, membership.SegmentBusyError)
	assert doc.name in str(answer)


def test_a_refresh_on_old_data_enters_nobody_twice(committed):
	doc, relation = committed
	assert not frappe.db.exists("Relation Segment Member", {"segment": doc.name})  # our snapshot begins here
	(answer,) = in_another_session(lambda: membership.refresh(doc.name))
	assert answer.entered == 1
	membership.refresh(doc.name)
	frappe.db.commit()
	assert [row.relation for row in rows(doc.name)] == [relation.name]


def test_nobody_waits_for_a_refresh_in_a_transaction_of_its_own(committed, monkeypatch):
	doc, relation = committed
	answers, before = [], isolation()

	def edit():
		frappe.db.set_value("Relation", relation.name, "phone", "0221 5")
		return "edited"

	def refresh_then_edit(*arguments):
		result = original(*arguments)
		answers.extend(in_another_session(edit))  # not committed yet
		return result

	original = membership.refresh
	monkeypatch.setattr(membership, "refresh", refresh_then_edit)
	assert membership.refresh_and_commit(doc.name).entered == 1
	assert answers == ["edited"]
	assert isolation() == before


def isolation() -> str:
	names = ("tx_isolation", "transaction_isolation")
	return frappe.db.sql("SHOW SESSION VARIABLES WHERE Variable_name IN %(names)s", {"names": names})[0][1]


# Manual segments


def test_a_manual_segment_keeps_dates_of_those_added_and_removed():
	doc = segment()
	one, two = factories.relation().name, factories.relation().name
	added = api.add_members(doc.name, [one, two, one])
	assert (added["entered"], added["members"]) == (2, 2)
	assert api.add_members(doc.name, frappe.as_json([one]))["entered"] == 0
	removed = api.remove_members(doc.name, [one])
	assert (removed["left"], removed["members"]) == (1, 1)
	assert api.remove_members(doc.name, [one])["left"] == 0
	assert members(doc.name) == {two}
	assert membership.refresh(doc.name).members == 1
	assert frappe.db.get_value("Relation Segment", doc.name, "member_count") == 1


def test_members_of_a_dynamic_segment_are_not_set_by_hand():
	doc = segment("Bonn")
	with pytest.raises(frappe.ValidationError, match="follow from its rule"):
		membership.add_members(doc.name, [factories.relation().name])
	with pytest.raises(frappe.ValidationError, match="follow from its rule"):
		membership.remove_members(doc.name, [])


def test_only_relations_that_exist_can_be_added():
	doc = segment()
	with pytest.raises(frappe.ValidationError, match="nobody"):
		membership.add_members(doc.name, [factories.relation().name, "nobody"])


# The document


def test_a_rule_that_cannot_be_read_is_not_saved_and_the_path_is_named():
	with pytest.raises(frappe.ValidationError, match=r"all\[0\]\.operator"):
		segment("Bonn", rule={"version": 1, "all": [{"field": "city", "operator": "like", "value": "x"}]})


def test_a_dynamic_segment_needs_a_rule_and_a_manual_one_none():
	with pytest.raises(frappe.ValidationError, match="needs a rule"):
		segment(None, kind="Dynamic")
	assert not segment().rule


def test_the_rule_is_stored_in_its_normal_form_and_counts_its_changes():
	doc = segment("Bonn")
	stored = doc.rule
	assert doc.rule_version == 1
	doc.rule = '{ "all": [ {"value": "  Bonn ", "field": "city", "operator": "="} ], "version": 1 }'
	doc.save()
	assert (doc.rule, doc.rule_version) == (stored, 1)
	doc.rule = rule("Ulm")
	doc.save()
	assert doc.rule_version == 2


def test_figures_of_a_form_that_was_open_during_a_refresh_are_not_written_back():
	city = factories.unique("Stadt")
	doc = segment(city)
	factories.relation(city=city)
	membership.refresh(doc.name)
	doc.description = "edited meanwhile"
	doc.save()
	assert frappe.db.get_value("Relation Segment", doc.name, "member_count") == 1


def test_a_deleted_segment_takes_its_members_along():
	city = factories.unique("Stadt")
	doc = segment(city)
	factories.relation(city=city)
	membership.refresh(doc.name)
	doc.delete()
	assert not rows(doc.name)


def test_a_segment_of_a_campaign_cannot_be_deleted():
	doc = segment("Bonn")
	campaign = frappe.new_doc("Relation Campaign")
	campaign.update({"campaign_name": factories.unique("Aktion"), "segment": doc.name})
	campaign.name = campaign.campaign_name
	campaign.db_insert()
	with pytest.raises(frappe.LinkExistsError):
		doc.delete()


# Checks


def test_check_names_broken_rules_and_values_that_are_gone():
	broken, dated, good = segment("Bonn"), segment("Ulm"), segment("Köln")
	broken.db_set("rule", '{"version": 1, "all": [{"field": "gone", "operator": "=", "value": "x"}]}')
	dated.db_set(
		"rule",
		'{"version": 1, "all": [{"field": "industry", "operator": "in", "value": ["No such industry"]}]}',
	)
	found = {finding.code: finding for finding in checks.findings()}
	assert broken.name in found["segment-rule-broken"].message
	assert "all[0].field" in found["segment-rule-broken"].message
	assert found["segment-rule-broken"].level == "error"
	assert "No such industry" in found["segment-value-missing"].message
	assert not any(good.name in finding.message for finding in checks.findings())
