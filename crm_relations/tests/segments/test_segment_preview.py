"""Test the preview, the members and the description of a segment, and what is hidden from a reader."""

import frappe
import pytest

from crm_relations.segments import api, queries
from crm_relations.segments.description import describe_rule
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language import rules
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def rule(*children: dict, kind: str = "all") -> dict:
	return {"version": 1, kind: list(children)}


def permit(user: str, doctype: str, value: str) -> None:
	factories.insert("User Permission", user=user, allow=doctype, for_value=value, apply_to_all_doctypes=1)


def test_the_preview_counts_all_and_shows_some():
	city = factories.unique("Stadt")
	names = {factories.relation(city=city).name for _i in range(3)}
	frappe.db.set_value("Relation", {"city": city}, "stage", "Lead")
	preview = api.preview(frappe.as_json(rule(condition("city", "=", city))), limit=2)
	assert preview["count"] == 3
	assert len(preview["sample"]) == 2
	assert {row["name"] for row in preview["sample"]} < names
	assert preview["sample"][0]["stage"] == "Lead"
	assert preview["words"] == f"City is “{city}”"


def test_the_preview_of_an_unfinished_rule_names_the_place():
	answer = api.preview(rule(condition("city", "=", "")))
	assert set(answer) == {"error", "path"}
	assert answer["path"] == "all[0].value"


def test_a_preview_hides_what_user_permissions_hide():
	city = factories.unique("100% Stadt")
	germany = factories.relation(city=city, country="Germany").name
	factories.relation(city=city, country="France")
	user = factories.user(None, "Relation User")
	permit(user, "Country", "Germany")
	frappe.set_user(user)
	preview = api.preview(rule(condition("city", "=", city)))
	assert preview["count"] == 1
	assert [row["name"] for row in preview["sample"]] == [germany]
	assert {row["name"] for row in api.preview(rule())["sample"]} <= set(
		frappe.get_list("Relation", pluck="name")
	)


def test_the_permitted_value_may_hold_a_percent_sign():
	industry = factories.insert("Industry Type", industry=factories.unique("100 % Handel")).name
	visible = factories.relation(industry=industry).name
	factories.relation(industry=None, city="x")
	user = factories.user(None, "Relation User")
	permit(user, "Industry Type", industry)
	frappe.set_user(user)
	assert visible in {
		row["name"] for row in queries.preview(rule(condition("industry", "=", industry)))["sample"]
	}


def test_who_has_no_role_sees_only_what_is_shared_with_him():
	city = factories.unique("Stadt")
	shared, _hidden = factories.relation(city=city).name, factories.relation(city=city).name
	user = factories.user(None, "Projects User")
	frappe.share.add("Relation", shared, user)
	frappe.set_user(user)
	preview = queries.preview(rule(condition("city", "=", city)))
	assert (preview["count"], [row["name"] for row in preview["sample"]]) == (1, [shared])


def test_who_may_read_no_relation_gets_no_preview():
	frappe.set_user(factories.user(None, "Projects User"))
	for call in (lambda: api.preview(rule()), api.get_catalogue):
		with pytest.raises(frappe.PermissionError):
			call()


def test_members_are_listed_with_dates_and_the_rights_of_the_reader():
	city = factories.unique("Stadt")
	german, french = (factories.relation(city=city, country=country) for country in ("Germany", "France"))
	segment = factories.insert(
		"Relation Segment", segment_name=factories.unique("Segment"), rule=rule(condition("city", "=", city))
	).name
	membership.refresh(segment)
	german.db_set("city", "x")
	membership.refresh(segment)
	assert [row["name"] for row in api.members(segment)] == [french.name]
	former = {row["name"]: row for row in api.members(segment, former=True)}
	assert set(former) == {german.name, french.name}
	assert former[german.name]["left_on"] > former[german.name]["entered"]
	user = factories.user(None, "Relation User")
	permit(user, "Country", "Germany")
	frappe.set_user(user)
	assert not api.members(segment)


def test_only_writers_refresh_and_nobody_adds_what_he_cannot_read():
	segment = factories.insert(
		"Relation Segment", segment_name=factories.unique("Segment"), kind="Manual"
	).name
	french = factories.relation(country="France").name
	reader, writer = factories.user(None, "Sales User"), factories.user(None, "Relation User")
	permit(writer, "Country", "Germany")
	frappe.set_user(reader)
	for call in (
		api.refresh,
		lambda name: api.add_members(name, []),
		lambda name: api.remove_members(name, []),
	):
		with pytest.raises(frappe.PermissionError):
			call(segment)
	frappe.set_user(writer)
	with pytest.raises(frappe.PermissionError, match=french):
		api.add_members(segment, [french])


def test_the_builder_is_told_every_field_with_its_operators():
	fields = {field["key"]: field for field in api.get_catalogue()}
	assert list(fields) == list(catalogue.fields())
	assert [operator["value"] for operator in fields["city"]["operators"]] == list(rules.OPERATORS["text"])
	assert all(operator["label"] for field in fields.values() for operator in field["operators"])
	assert fields["age_group"]["filters"] == {"attribute": "Age Group"}
	assert fields["kind"]["choices"][0] == {"value": "Person", "label": "Person"}


def test_the_rule_in_words():
	option = frappe.get_all(
		"Relation Profile Option", filters={"attribute": "Age Group"}, order_by="sort_order", limit=1
	)
	age = frappe.db.get_value("Relation Profile Option", option[0].name, "option_value")
	text = describe_rule.describe(
		rule(
			condition("age_group", "in", [option[0].name]),
			{"any": [condition("employees", ">=", 10), condition("stage_since", "<", "2026-02-03")]},
			{"none": [condition("city", "=", "Bonn"), condition("has_email", "=", False)]},
		)
	)
	assert text == (
		f"Age Group is one of “{age}” and (Number of Employees is at least 10"
		f" or Stage Since is before {frappe.format('2026-02-03', 'Date')})"
		" and none of (City is “Bonn”; Has an Email Address is No)"
	)
	assert describe_rule.describe(rule()) == "Every relation"
	assert describe_rule.describe(rule(condition("age_group", "is empty"))) == "Age Group is empty"
	assert describe_rule.describe(rule(condition("city", "=", "Open"))) == "City is “Open”"
	two = [condition("city", "=", "Bonn"), condition("city", "=", "Ulm")]
	assert describe_rule.describe(rule({"any": two})) == "City is “Bonn” or City is “Ulm”"
	assert describe_rule.describe(rule(*two, kind="none")) == "none of (City is “Bonn”; City is “Ulm”)"


def test_every_operator_has_words():
	assert all(map(describe_rule.figure_operator_label, rules.EVENT_OPERATORS))
	for field in catalogue.plain().values():
		for operator in rules.operators_of(field):
			assert describe_rule.operator_label(field, operator)
