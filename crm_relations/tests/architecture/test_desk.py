"""Test the files of the desk: everything that it offers exists and is permitted."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.lint

MODULE = Path(__file__).parents[2] / "crm_relations"


def documents(folder: str) -> dict[str, dict]:
	"""Return the JSON documents of a type, name → content."""
	found = (json.loads(path.read_text(encoding="utf-8")) for path in MODULE.glob(f"{folder}/*/*.json"))
	return {document["name"]: document for document in found}


DOCTYPES = documents("doctype")
CARDS = documents("number_card")
REPORTS = documents("report")
WORKSPACES = documents("workspace")


def fields(doctype: str) -> set[str]:
	return {field["fieldname"] for field in DOCTYPES[doctype]["fields"]}


@pytest.mark.parametrize("name", REPORTS)
def test_every_role_of_a_report_may_make_reports_on_its_doctype(name):
	report = REPORTS[name]
	permitted = {
		permission["role"]
		for permission in DOCTYPES[report["ref_doctype"]]["permissions"]
		if permission.get("read") and permission.get("report")
	}
	assert {row["role"] for row in report["roles"]} <= permitted


@pytest.mark.parametrize("name", DOCTYPES)
def test_a_list_has_a_title_that_people_know(name):
	doctype = DOCTYPES[name]
	if doctype.get("istable") or doctype.get("issingle"):
		return
	title = doctype.get("title_field")
	assert title is None or title in fields(name)


@pytest.mark.parametrize("name", CARDS)
def test_a_work_queue_filters_by_fields_that_its_doctype_has(name):
	card = CARDS[name]
	filters = json.loads(card["filters_json"]) + json.loads(card["dynamic_filters_json"])
	assert filters, "a work queue is a part of a list"
	for doctype, field, *_rest in filters:
		assert doctype == card["document_type"]
		assert doctype not in DOCTYPES or field in fields(doctype)


@pytest.mark.parametrize("name", WORKSPACES)
def test_the_workspace_shows_each_of_its_cards_shortcuts_and_links_once(name):
	workspace = WORKSPACES[name]
	shown = {
		kind: [
			block["data"][f"{kind}_name"]
			for block in json.loads(workspace["content"])
			if block["type"] == kind
		]
		for kind in ("number_card", "shortcut", "card")
	}
	assert shown["number_card"] == [card["number_card_name"] for card in workspace["number_cards"]]
	assert set(shown["number_card"]) <= set(CARDS)
	assert shown["shortcut"] == [shortcut["label"] for shortcut in workspace["shortcuts"]]
	assert shown["card"] == [link["label"] for link in workspace["links"] if link["type"] == "Card Break"]
	for link in workspace["links"] + workspace["shortcuts"]:
		if "link_to" in link and link["link_to"].startswith("Relation"):
			assert link["link_to"] in DOCTYPES


def test_the_app_icon_is_a_picture_of_ours_that_runs_nothing():
	hooks = (MODULE.parent / "hooks.py").read_text(encoding="utf-8")
	(path,) = re.findall(r'"logo": "/assets/crm_relations/([^"]+)"', hooks)
	picture = ElementTree.parse(MODULE.parent / "public" / path).getroot()
	tags = {element.tag.rpartition("}")[2] for element in picture.iter()}
	assert tags <= {"svg", "rect", "path", "circle", "g", "title"}
	assert picture.get("viewBox") == "0 0 32 32"
