"""Test external texts on a real site: no table stores them as markup, however they get there."""

import frappe
import pytest
from frappe.utils import now_datetime

from crm_relations.campaigns.consents import deliverability
from crm_relations.campaigns.sends import store
from crm_relations.shared.text.outside_text import insert_rows
from crm_relations.tests.support.factories import relation

pytestmark = pytest.mark.site

IMAGE = "<img src=x onerror=alert(1)>"
#: Frappe does not filter text that is valid JSON
LITERAL = f'"{IMAGE}"'


def test_a_bounce_keeps_its_words_and_runs_nothing():
	for _time in range(2):  # the first is a document, the second is written without one
		deliverability.note_bounce(
			"opfer@kunde.example", permanent=True, code=IMAGE, reason=f"550 {IMAGE} <opfer@k.de>"
		)
		row = frappe.db.get_value(
			deliverability.DOCTYPE, "opfer@kunde.example", ["reason", "status_code"], as_dict=True
		)
		assert row.reason == "550 ‹img src=x onerror=alert(1)› ‹opfer@k.de›"
		assert "<" not in row.status_code


@pytest.mark.parametrize("doctype", ["Relation", "Relation Interaction", "Relation Segment"])
def test_a_text_that_is_json_is_no_way_round_the_filter(doctype):
	if doctype == "Relation":
		doc = relation(LITERAL, notes=LITERAL)
		stored = frappe.db.get_value(doctype, doc.name, ["relation_name", "notes"])
	elif doctype == "Relation Segment":
		doc = frappe.get_doc(
			{
				"doctype": doctype,
				"segment_name": frappe.generate_hash(length=8),
				"kind": "Manual",
				"description": LITERAL,
			}
		).insert()
		stored = [frappe.db.get_value(doctype, doc.name, "description")]
	else:
		values = {"doctype": doctype, "relation": relation().name, "kind": "Observation", "subject": LITERAL}
		doc = frappe.get_doc(values).insert()
		stored = [frappe.db.get_value(doctype, doc.name, "subject")]
	assert stored and all(text == '"‹img src=x onerror=alert(1)›"' for text in stored)


def test_an_editor_is_cleaned_also_where_its_value_is_json():
	values = {"relation": relation().name, "kind": "Observation", "subject": "x"}
	doc = frappe.get_doc({"doctype": "Relation Interaction", **values, "notes": LITERAL}).insert()
	assert frappe.db.get_value("Relation Interaction", doc.name, "notes") == '"<img src="x">"'


def test_rows_written_without_documents_lose_their_markup_and_keep_everything_else():
	name = frappe.generate_hash(length=10)
	insert_rows(
		"Relation Import Record",
		["name", "creation", "source", "row_key", "row_number", "reason"],
		[(name, now_datetime(), "Relation Import x", IMAGE, 7, f"{IMAGE} 3 < 5 & mehr")],
	)
	row = frappe.db.get_value("Relation Import Record", name, ["row_key", "row_number", "reason"])
	assert row == ("‹img src=x onerror=alert(1)›", 7, "‹img src=x onerror=alert(1)› 3 < 5 & mehr")


def test_the_answer_of_a_mail_server_is_stored_without_markup():
	name = frappe.generate_hash(length=10)
	insert_rows(store.SEND, ["name", "creation", "reason"], [(name, now_datetime(), "")])
	assert store.suppress([name], f"554 {IMAGE}") == 1
	assert frappe.db.get_value(store.SEND, name, "reason") == "554 ‹img src=x onerror=alert(1)›"
