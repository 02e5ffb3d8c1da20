"""Test refresh by changed relations, in jobs and on schedule: the same members as a full refresh."""

import frappe
import pytest
from frappe.utils import add_days, now, nowdate
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
	RuleBasedStateMachine,
	initialize,
	invariant,
	precondition,
	rule,
	run_state_machine_as_test,
)

from crm_relations.relations import changes
from crm_relations.relations.facts import build as facts
from crm_relations.relations.network import links
from crm_relations.segments import checks
from crm_relations.segments.members import dependencies, jobs, membership, queue
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

FOLLOWING, DAILY, BY_HAND = "As Relations Change", "Daily", "By Hand"


def by_city(city: str) -> dict:
	return {"field": "city", "operator": "=", "value": city}


def segment(*conditions: dict, kind: str = "Dynamic", **values):
	values = {
		"segment_name": factories.unique("Segment"),
		"kind": kind,
		"rule": {"version": 1, "all": list(conditions)} if kind != "Manual" else None,
		**values,
	}
	return factories.insert("Relation Segment", **values)


def members(name: str) -> set[str]:
	return set(membership.current(name).run(pluck=True))


@pytest.fixture
def quiet():
	"""Clear the changes of other tests, keep other segments as they are, and hold commits back."""
	table = frappe.qb.DocType("Relation Segment")
	frappe.qb.update(table).set(table.refresh_mode, BY_HAND).run()
	frappe.db.delete(queue.QUEUE)
	with held_back():
		yield


# Changed relations only


def test_a_saved_relation_enters_and_leaves_with_the_next_run(quiet):
	city = factories.unique("Stadt")
	doc = segment(by_city(city))
	jobs.refresh_changed()
	one = factories.relation(city=city)
	(result,) = jobs.refresh_changed()
	assert (result.kind, result.entered, result.members) == ("Changed Relations", 1, 1)
	one.reload()
	one.city = "Elsewhere"
	one.save()
	(result,) = jobs.refresh_changed()
	assert (result.kind, result.left, result.members) == ("Changed Relations", 1, 0)
	assert not members(doc.name)
	assert queue.length() == 0


def test_only_those_that_changed_are_looked_at(quiet):
	city = factories.unique("Stadt")
	doc = segment(by_city(city))
	jobs.refresh_changed()
	told, untold = factories.relation(city="Bonn"), factories.relation(city="Bonn")
	jobs.refresh_changed()
	for relation in (told, untold):
		relation.db_set("city", city)  # bypasses the events
	changes.announce([told.name])
	jobs.refresh_changed()
	assert members(doc.name) == {told.name}


def test_the_first_refresh_of_a_day_and_one_after_an_edit_look_at_all(quiet):
	city, other = factories.unique("Stadt"), factories.unique("Stadt")
	doc = segment(by_city(city))
	factories.relation(city=other)
	assert [result.kind for result in jobs.refresh_changed()] == ["All Relations"]
	factories.relation(city=city)
	assert [result.kind for result in jobs.refresh_changed()] == ["Changed Relations"]
	doc.reload()
	doc.rule = {"version": 1, "any": [by_city(city), by_city(other)]}
	doc.save()
	(result,) = jobs.refresh_changed()
	assert (result.kind, result.members) == ("All Relations", 2)

	frappe.db.set_value("Relation Segment", doc.name, "refresh_fingerprint", "of yesterday")
	assert membership.refresh_changed(doc.name, ["nobody"]).kind == "All Relations"
	assert membership.refresh_changed(doc.name, ["nobody"]).kind == "Changed Relations"


def test_a_sample_is_drawn_from_all(quiet):
	city = factories.unique("Stadt")
	for employees in (10, 20):
		factories.relation(city=city, employees=employees)
	doc = segment(by_city(city), sample="Top", sample_size=1, sample_by="employees")
	jobs.refresh_changed()
	best = factories.relation(city=city, employees=30)
	(result,) = jobs.refresh_changed()
	assert result.kind == "All Relations"
	assert members(doc.name) == {best.name}


def test_pins_hold_among_changed_relations(quiet):
	city = factories.unique("Stadt")
	inside, outside = factories.relation(city="Bonn"), factories.relation(city=city)
	doc = segment(
		by_city(city),
		pins=[{"relation": inside.name, "pin": "Always In"}, {"relation": outside.name, "pin": "Never In"}],
	)
	membership.refresh(doc.name)
	result = membership.refresh_changed(doc.name, [inside.name, outside.name])
	assert (result.kind, result.entered, result.left) == ("Changed Relations", 0, 0)
	assert members(doc.name) == {inside.name}


def test_a_segment_that_asks_for_another_follows_it_in_the_same_run(quiet):
	city = factories.unique("Stadt")
	last = segment(by_city(city))
	first = segment(by_city(city), segment_name=f"A {last.name}", suppressions=[{"suppressed_by": last.name}])
	assert dependencies.in_order([first.name, last.name]) == [last.name, first.name]
	jobs.refresh_changed()
	relation = factories.relation(city=city)
	jobs.refresh_changed()
	assert members(last.name) == {relation.name}
	assert not members(first.name)
	assert queue.length() == 0


def test_who_is_put_into_a_list_by_hand_has_changed_for_the_segments_that_ask_for_it(quiet):
	city = factories.unique("Stadt")
	blocked = segment(kind="Manual")
	doc = segment(by_city(city), suppressions=[{"suppressed_by": blocked.name}])
	relation = factories.relation(city=city)
	jobs.refresh_changed()
	assert members(doc.name) == {relation.name}
	membership.add_members(blocked.name, [relation.name])
	jobs.refresh_changed()
	assert not members(doc.name)


def test_roles_links_interactions_and_figures_announce_their_relations(quiet):
	person, company = factories.relation(kind="Person"), factories.relation()
	frappe.db.delete(queue.QUEUE)
	links.link(person.name, "works for", company.name)
	assert queue.take().relations == {person.name, company.name}
	frappe.db.delete(queue.QUEUE)
	factories.insert("Relation Interaction", relation=person.name, kind="Call", subject="x")
	assert queue.take().relations == {person.name}
	frappe.db.delete(queue.QUEUE)
	facts.refresh([company.name])
	assert queue.take().relations == {company.name}


def test_more_changes_than_are_worth_looking_at_refresh_all(quiet):
	queue.add([f"relation {number}" for number in range(queue.MANY + 1)])
	assert queue.take().whole("any segment")
	assert not queue.take().relations


def test_what_campaigns_write_by_the_thousand_is_asked_for(quiet):
	relation, doc = factories.relation(), segment({"event": "was_sent", "where": []})
	jobs.refresh_changed()
	frappe.db.bulk_insert(
		"Relation Campaign Send",
		["name", "creation", "modified", "relation", "state", "sent_at", "step", "member"],
		[
			(
				factories.unique("send"),
				now(),
				now(),
				relation.name,
				"Sent",
				now(),
				"step",
				factories.unique("m"),
			)
		],
	)
	assert queue.length() == 0
	(result,) = jobs.refresh_changed()
	assert result.kind == "Changed Relations"
	assert relation.name in members(doc.name)


# Modes


def test_by_hand_and_daily_segments_do_not_follow_changes(quiet):
	city = factories.unique("Stadt")
	by_hand, daily = segment(by_city(city), refresh_mode=BY_HAND), segment(by_city(city), refresh_mode=DAILY)
	relation = factories.relation(city=city)
	assert jobs.refresh_changed() == []
	jobs.refresh_daily()
	assert members(daily.name) == {relation.name}
	assert not members(by_hand.name)


def test_a_segment_that_did_not_follow_for_a_while_is_looked_at_whole(quiet):
	city = factories.unique("Stadt")
	doc = segment(by_city(city))
	jobs.refresh_changed()
	doc.reload()
	doc.disabled = 1
	doc.save()
	relation = factories.relation(city=city)
	assert jobs.refresh_changed() == []
	doc.disabled = 0
	doc.save()
	assert [result.kind for result in jobs.refresh_changed()] == ["All Relations"]
	assert members(doc.name) == {relation.name}


def test_the_admin_says_how_often_changes_are_taken(quiet, monkeypatch):
	queued = []
	monkeypatch.setattr(frappe, "enqueue", lambda *arguments, **_options: queued.append(arguments[0]))
	frappe.cache.delete_value(jobs.TAKEN)
	queue.add(["somebody"])
	frappe.db.set_single_value("Relation Settings", "segment_minutes", 0)
	jobs.take_changes()
	assert not queued
	frappe.db.set_single_value("Relation Settings", "segment_minutes", 10)
	jobs.take_changes()
	jobs.take_changes()
	assert queued == [jobs.refresh_changed]
	frappe.cache.delete_value(jobs.TAKEN)


def test_a_queued_refresh_tells_how_far_it_is_and_what_was_wrong(quiet, monkeypatch):
	told = []
	monkeypatch.setattr(frappe, "publish_realtime", lambda event, message, **_options: told.append(message))
	doc = segment(by_city(factories.unique("Stadt")))
	jobs.refresh_one(doc.name)
	steps = [message["step"] for message in told if "step" in message]
	assert steps == [1, 2, 3, 4, 5] and told[-1] == {"segment": doc.name, "done": True}
	fresh = frappe.get_doc("Relation Segment", doc.name)
	assert (fresh.state, fresh.last_refresh_kind) == ("Ready", "All Relations")
	doc.db_set("rule", doc.rule.replace('"city"', '"gone"'))
	jobs.refresh_one(doc.name)
	assert "all[0].field" in told[-1]["error"]


# Rules that became invalid


def test_a_broken_rule_keeps_its_members_and_says_so_until_it_is_put_right(quiet):
	city = factories.unique("Stadt")
	relation, doc = factories.relation(city=city), segment(by_city(city))
	jobs.refresh_changed()
	good = doc.rule
	doc.db_set("rule", good.replace('"city"', '"gone"'))
	queue.add_segments([doc.name])
	assert jobs.refresh_changed() == []
	doc.reload()
	assert doc.state == "Rule Broken"
	assert "all[0].field" in doc.problem
	assert members(doc.name) == {relation.name}
	assert (
		frappe.db.count("Error Log", {"reference_doctype": "Relation Segment", "reference_name": doc.name})
		== 1
	)
	assert "segment-rule-broken" in {finding.code for finding in checks.findings()}

	queue.add_segments([doc.name])
	jobs.refresh_changed()
	assert (
		frappe.db.count("Error Log", {"reference_doctype": "Relation Segment", "reference_name": doc.name})
		== 1
	)
	doc.rule = good
	doc.save()
	assert not doc.state
	jobs.refresh_changed()
	doc.reload()
	assert (doc.state, doc.problem) == ("Ready", None)


def test_a_record_that_a_rule_asks_for_and_that_is_deleted_breaks_it(quiet):
	industry = factories.insert("Industry Type", industry=factories.unique("Branche"))
	relation = factories.relation(industry=industry.name)
	doc = segment({"field": "industry", "operator": "=", "value": industry.name})
	jobs.refresh_changed()
	frappe.db.delete("Industry Type", {"name": industry.name})
	with pytest.raises(membership.SegmentBrokenError, match=industry.name):
		membership.refresh(doc.name)
	jobs.refresh_daily()
	assert frappe.db.get_value("Relation Segment", doc.name, "state") == "Rule Broken"
	assert members(doc.name) == {relation.name}


# The same members


class Changes(RuleBasedStateMachine):
	"""Random changes; after each of them, a refresh by changed relations finds the members of the rules."""

	relations: list

	@initialize()
	def prepare(self):
		self.city, self.other = factories.unique("Stadt"), factories.unique("Stadt")
		self.listed = segment(kind="Manual")
		self.blocked = segment(by_city(self.other), {"field": "employees", "operator": ">", "value": 50})
		self.segments = [
			segment(by_city(self.city)),
			segment(
				{"any": [by_city(self.city), by_city(self.other)]},
				suppressions=[{"suppressed_by": self.listed.name}, {"suppressed_by": self.blocked.name}],
			),
			segment({"none": [{"field": "role", "operator": "=", "value": "Customer"}]}, by_city(self.city)),
			segment(by_city(self.city), sample="Top", sample_size=2, sample_by="employees"),
			self.blocked,
		]
		self.relations = []
		self.told = False

	@rule(employees=st.integers(1, 100), here=st.booleans())
	def add(self, employees, here):
		city = self.city if here else self.other
		self.relations.append(factories.relation(city=city, employees=employees).name)

	@precondition(lambda self: self.relations)
	@rule(data=st.data(), employees=st.integers(1, 100), town=st.sampled_from(["city", "other", "nowhere"]))
	def move(self, data, employees, town):
		doc = frappe.get_doc("Relation", data.draw(st.sampled_from(self.relations)))
		doc.city, doc.employees = getattr(self, town, "Nirgendwo"), employees
		doc.save()

	@precondition(lambda self: self.relations)
	@rule(data=st.data())
	def list_by_hand(self, data):
		name = data.draw(st.sampled_from(self.relations))
		if name in members(self.listed.name):
			membership.remove_members(self.listed.name, [name])
		else:
			membership.add_members(self.listed.name, [name])

	@precondition(lambda self: self.relations)
	@rule(data=st.data(), pin=st.sampled_from(["Always In", "Never In"]))
	def pin(self, data, pin):
		doc = frappe.get_doc("Relation Segment", data.draw(st.sampled_from(self.segments)).name)
		name = data.draw(st.sampled_from(self.relations))
		doc.set("pins", [row for row in doc.pins if row.relation != name])
		doc.append("pins", {"relation": name, "pin": pin})
		doc.save()

	@precondition(lambda self: self.relations)
	@rule(data=st.data())
	def delete(self, data):
		name = data.draw(st.sampled_from(self.relations))
		if frappe.db.exists("Relation Segment Pin", {"relation": name}):
			return
		self.relations.remove(name)
		frappe.delete_doc("Relation", name, force=True)

	@rule()
	def edit_the_rule(self):
		doc = frappe.get_doc("Relation Segment", self.segments[0].name)
		doc.rule = {"version": 1, "all": [{"any": [by_city(self.city), by_city(self.other)]}]}
		doc.save()

	@invariant()
	def members_are_those_of_the_rules(self):
		if not hasattr(self, "segments"):
			return
		jobs.refresh_changed()
		assert queue.length() == 0
		for doc in self.segments:
			found = members(doc.name)
			assert frappe.db.get_value("Relation Segment", doc.name, "member_count") == len(found)
			result = membership.refresh(doc.name)
			assert (result.entered, result.left) == (0, 0), (doc.name, found, members(doc.name))
		frappe.db.delete(queue.QUEUE)


def test_refreshed_by_changed_relations_a_segment_has_the_members_of_a_full_refresh(quiet):
	run_state_machine_as_test(
		Changes,
		settings=settings(
			max_examples=8,
			stateful_step_count=8,
			deadline=None,
			suppress_health_check=list(HealthCheck),
		),
	)


# Time


def test_what_changes_by_time_alone_follows_with_the_daily_refresh(quiet, monkeypatch):
	city = factories.unique("Stadt")
	doc = segment(by_city(city), {"field": "stage_since", "operator": "last days", "value": 3})
	relation = factories.relation(city=city)
	relation.db_set("stage_since", add_days(nowdate(), -3))
	membership.refresh(doc.name)
	assert members(doc.name) == {relation.name}
	relation.db_set("stage_since", add_days(nowdate(), -4))
	jobs.refresh_daily()
	assert not members(doc.name)
