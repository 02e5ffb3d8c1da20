"""Test pins, excluded segments, samples and snapshots: the members of a segment beyond its rule."""

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.segments import api, queries
from crm_relations.segments.compilation import selection
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


@pytest.fixture
def town():
	return factories.unique("Stadt")


def of_town(town: str, **values) -> frappe._dict:
	rule = {"version": 1, "all": [{"field": "city", "operator": "=", "value": town}]}
	return factories.insert(
		"Relation Segment",
		segment_name=factories.unique("Auswahl"),
		**{"kind": "Dynamic", "rule": frappe.as_json(rule), **values},
	)


def people(town: str, number: int, **values) -> list[str]:
	return [factories.relation(city=town, **values).name for _i in range(number)]


def members(segment) -> set[str]:
	return set(membership.current(segment.name).run(pluck=True))


def test_pins_win_over_rule_and_over_segments_that_keep_out(town):
	inside, unwanted, kept_out, both = people(town, 4)
	guest = factories.relation(city="elsewhere").name
	others = factories.segment()
	membership.add_members(others.name, [kept_out, both, guest])
	segment = of_town(
		town,
		pins=[
			{"relation": guest, "pin": "Always In", "reason": "Chef"},
			{"relation": both, "pin": "Always In"},
			{"relation": unwanted, "pin": "Never In"},
		],
		suppressions=[{"suppressed_by": others.name}],
	)
	result = membership.refresh(segment.name)
	assert members(segment) == {inside, guest, both}
	assert (result.entered, result.members) == (3, 3)
	assert membership.refresh(segment.name).entered == 0


def test_who_leaves_the_segment_that_kept_him_out_comes_in(town):
	(relation,) = people(town, 1)
	others = factories.segment()
	membership.add_members(others.name, [relation])
	segment = of_town(town, suppressions=[{"suppressed_by": others.name}])
	membership.refresh(segment.name)
	assert members(segment) == set()
	membership.remove_members(others.name, [relation])
	membership.refresh(segment.name)
	assert members(segment) == {relation}


def test_a_random_sample_stays_the_same_and_another_seed_draws_others(town):
	names = people(town, 30)
	segment = of_town(town, sample="Random", sample_size=10, sample_seed="eins")
	membership.refresh(segment.name)
	drawn = members(segment)
	assert len(drawn) == 10 and drawn < set(names)
	result = membership.refresh(segment.name)
	assert (result.entered, result.left) == (0, 0)
	other = of_town(town, sample="Random", sample_size=10, sample_seed="zwei")
	membership.refresh(other.name)
	assert members(other) != drawn


def test_a_random_sample_without_a_seed_gets_one(town):
	assert of_town(town, sample="Random", sample_size=3).sample_seed


def test_pinned_relations_take_no_place_in_a_sample(town):
	names = people(town, 6)
	segment = of_town(
		town,
		sample="Random",
		sample_size=2,
		pins=[{"relation": names[0], "pin": "Always In"}, {"relation": names[1], "pin": "Never In"}],
	)
	membership.refresh(segment.name)
	assert len(members(segment)) == 3
	assert names[0] in members(segment) and names[1] not in members(segment)


def test_the_top_by_a_field_and_by_revenue(town):
	small, large, _unknown = people(town, 3)
	frappe.db.set_value("Relation", small, "employees", 5)
	frappe.db.set_value("Relation", large, "employees", 500)
	top = of_town(town, sample="Top", sample_size=1, sample_by="employees")
	membership.refresh(top.name)
	assert members(top) == {large}

	customers = [factories.customer().name for _i in range(3)]
	relations = [frappe.db.get_value("Relation Party", {"party": name}, "parent") for name in customers]
	for customer, amount in zip(customers[:2], (300, 900), strict=True):
		factories.invoice(customer, [(factories.item().name, 1, amount)])
	for relation in relations:
		frappe.db.set_value("Relation", relation, "city", f"{town} Süd")
	by_revenue = of_town(f"{town} Süd", sample="Top", sample_size=1, sample_by="revenue_12_months")
	membership.refresh(by_revenue.name)
	assert members(by_revenue) == {relations[1]}
	by_revenue.sample_size = 2
	by_revenue.save()
	membership.refresh(by_revenue.name)
	assert members(by_revenue) == {relations[0], relations[1]}


def test_a_snapshot_stays_as_the_rule_found_it_until_it_is_taken_anew(town):
	(first,) = people(town, 1)
	segment = of_town(town, kind="Snapshot")
	assert membership.refresh(segment.name).entered == 1
	taken = frappe.db.get_value("Relation Segment", segment.name, "last_refreshed")
	(second,) = people(town, 1)
	membership.refresh(segment.name)
	assert members(segment) == {first}
	assert frappe.db.get_value("Relation Segment", segment.name, "last_refreshed") == taken
	membership.refresh(segment.name, retake=True)
	assert members(segment) == {first, second}


def test_the_preview_of_a_saved_segment_counts_what_the_refresh_takes(town):
	names = people(town, 5)
	segment = of_town(town, sample="Random", sample_size=2, pins=[{"relation": names[0], "pin": "Always In"}])
	preview = queries.preview_of(segment, limit=10)
	membership.refresh(segment.name)
	assert preview["count"] == 3
	assert {row["name"] for row in preview["sample"]} == members(segment)


def test_the_explanation_tells_of_pins_and_of_what_keeps_out(town):
	pinned, kept_out = people(town, 2)
	others = factories.segment()
	membership.add_members(others.name, [kept_out])
	segment = of_town(
		town,
		pins=[{"relation": pinned, "pin": "Never In", "reason": "Wettbewerber"}],
		suppressions=[{"suppressed_by": others.name}],
	)
	standing = api.explain(segment.name, pinned)["standing"]
	assert standing == {"selected": False, "pin": "Never In", "reason": "Wettbewerber", "kept_out_by": []}
	assert api.explain(segment.name, kept_out)["standing"]["kept_out_by"] == [others.name]


def test_segments_do_not_keep_each_other_out_in_a_circle(town):
	first, second = of_town(town), of_town(town)
	second.append("suppressions", {"suppressed_by": first.name})
	second.save()
	first.append("suppressions", {"suppressed_by": second.name})
	with pytest.raises(frappe.ValidationError, match="circle"):
		first.save()
	second.reload()
	second.suppressions[0].suppressed_by = second.name
	with pytest.raises(frappe.ValidationError, match="circle"):
		second.save()


@pytest.mark.parametrize(
	("values", "message"),
	[
		({"sample": "Random", "sample_size": 0}, "Sample Size"),
		({"sample": "Top", "sample_size": 5, "sample_by": "city"}, "Highest: city is not a figure"),
		({"sample": "Top", "sample_size": 5}, "Highest"),
	],
)
def test_a_sample_that_cannot_be_drawn_is_refused(town, values, message):
	with pytest.raises(frappe.ValidationError, match=message):
		of_town(town, **values)


def test_a_relation_is_pinned_once(town):
	relation = factories.relation().name
	with pytest.raises(frappe.ValidationError, match=r"row 2.*twice"):
		of_town(
			town,
			pins=[{"relation": relation, "pin": "Always In"}, {"relation": relation, "pin": "Never In"}],
		)


def test_a_figure_that_is_gone_is_named_and_keeps_the_members(town):
	people(town, 2)
	segment = of_town(town, sample="Top", sample_size=1, sample_by="employees")
	membership.refresh(segment.name)
	before = members(segment)
	frappe.db.set_value("Relation Segment", segment.name, "sample_by", "gone")
	with pytest.raises(frappe.ValidationError, match="gone"):
		membership.refresh(segment.name)
	assert members(segment) == before


def test_dates_rank_too(town):
	old, new = people(town, 2)
	frappe.db.set_value("Relation", old, "stage_since", add_days(nowdate(), -100))
	frappe.db.set_value("Relation", new, "stage_since", nowdate())
	segment = of_town(town, sample="Top", sample_size=1, sample_by="stage_since")
	membership.refresh(segment.name)
	assert members(segment) == {new}
	assert "stage_since" in selection.rankable() and "city" not in selection.rankable()
