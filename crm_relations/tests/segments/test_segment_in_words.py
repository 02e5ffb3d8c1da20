"""Test a segment's description in words: on its form, on a campaign to be approved, and in prints."""

import json

import frappe
import pytest

from crm_relations.segments.description import describe_segment
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

ONE = {"version": 1, "all": [{"field": "city", "operator": "=", "value": "Bonn"}]}


def a_segment(**values):
	return factories.insert(
		"Relation Segment",
		segment_name=frappe.generate_hash(length=10),
		**{"kind": "Dynamic", "rule": json.dumps(ONE), **values},
	)


def test_the_form_and_the_campaign_say_whom_a_segment_means():
	segment = a_segment()
	assert frappe.get_doc("Relation Segment", segment.name).as_dict().rule_in_words == "City is “Bonn”"
	campaign = frappe.new_doc("Relation Campaign", segment=segment.name)
	assert campaign.as_dict().segment_in_words == "City is “Bonn”"


def test_the_words_are_those_of_the_readers_language():
	segment = a_segment()
	frappe.local.lang = "de"
	try:
		assert describe_segment.of_segment(segment) == "Ort ist „Bonn“"
	finally:
		frappe.local.lang = "en"


def test_sample_pins_and_segments_that_keep_out_are_told():
	other = a_segment()
	relation = factories.insert("Relation", relation_name="Pinned", relation_kind="Person")
	segment = a_segment(
		sample="Random",
		sample_size=5,
		pins=[{"relation": relation.name, "pin": "Never In"}],
		suppressions=[{"suppressed_by": other.name}],
	)
	assert segment.rule_in_words.split("\n") == [
		"City is “Bonn”",
		"Of these 5, drawn at random",
		f"Without the members of: {other.name}",
		"Relations that are never in: 1",
	]


def test_a_broken_rule_says_what_is_wrong_and_the_form_opens():
	segment = a_segment()
	broken = {"version": 1, "all": [{"field": "gone", "operator": "=", "value": "x"}]}
	frappe.db.set_value("Relation Segment", segment.name, "rule", json.dumps(broken))
	assert "all[0].field" in frappe.get_doc("Relation Segment", segment.name).as_dict().rule_in_words


def test_the_print_holds_the_words_and_not_the_json():
	segment = a_segment()
	printed = frappe.get_print("Relation Segment", segment.name)
	assert "City is “Bonn”" in printed
	assert "operator" not in printed
	campaign = factories.insert(
		"Relation Campaign",
		campaign_name=frappe.generate_hash(length=10),
		segment=segment.name,
		purpose="Newsletter",
		steps=[{"step_type": "Call", "title": "Call", "script": "Hello"}],
	)
	assert "City is “Bonn”" in frappe.get_print("Relation Campaign", campaign.name)


def test_markup_in_a_value_is_text_on_the_form_and_in_prints():
	evil = "<img src=x onerror=alert(1)>"
	rule = {"version": 1, "all": [{"field": "city", "operator": "=", "value": evil}]}
	segment = a_segment(rule=json.dumps(rule))
	assert "<" not in segment.rule_in_words and "&lt;img" in segment.rule_in_words
	assert "<img src=x" not in frappe.get_print("Relation Segment", segment.name)
