"""Test answers to calls and letters, by hand and from a csv file: recorded once, or rejected with a reason."""

import csv
import io

import frappe
import pytest
from frappe.utils.file_manager import save_file

from crm_relations.campaigns import queries
from crm_relations.campaigns.incoming import api, csv_import
from crm_relations.campaigns.planning import enrollment
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step

pytestmark = pytest.mark.site


@pytest.fixture
def campaign():
	segment = factories.segment()
	people = [
		factories.relation(f"Anna {i}", kind="Person", email_id=f"p{i}@kunde.example", phone=f"0221 12345{i}")
		for i in range(3)
	]
	membership.add_members(segment.name, [person.name for person in people])
	doc = factories.campaign(segment=segment.name, steps=[call_step()])
	enrollment.start(doc.name)
	return doc.name


def members(campaign):
	return frappe.get_all(
		"Relation Campaign Member", filters={"campaign": campaign}, fields=["*"], order_by="email asc"
	)


FILE = (
	"E-Mail;Telefon;Art;Antwort;Datum;Notiz\n"
	"P0@Kunde.example;;Brief;Ja;02.11.2026;Antwortkarte\n"
	";0221 / 123451;Anruf;nicht erreicht;2026-11-03;\n"
	"fremd@kunde.example;;Brief;ja;02.11.2026;\n"
	"p2@kunde.example;;Brief;vielleicht;02.11.2026;\n"
	"p2@kunde.example;;Brief;ja;31.02.2026;\n"
	"p2@kunde.example;;Brief;ja;01.01.2999;\n"
	"p0@kunde.example;;Brief;ja;02.11.2026;doppelt\n"
)


def test_a_preview_shows_what_would_come_and_writes_nothing(campaign):
	shown = csv_import.shown(csv_import.plan(campaign, FILE))
	assert (shown["new"], shown["known"], shown["rejected"]) == (2, 1, 4)
	assert [row["line"] for row in shown["rows"][:4]] == [4, 5, 6, 7] and all(
		row["problem"] for row in shown["rows"][:4]
	)
	assert not frappe.db.count("Relation Campaign Response", {"campaign": campaign})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_answers_are_recorded_once_however_often_the_file_comes(campaign, encoding):
	content = FILE.replace("Antwortkarte", "Rückantwort").encode(encoding)
	first = csv_import.record(campaign, content)
	assert (first["recorded"], first["known"], first["rejected"]) == (2, 1, 4)
	second = csv_import.record(campaign, content)
	assert (second["recorded"], second["known"], second["rejected"]) == (0, 3, 4)
	answered, missed, silent = members(campaign)
	assert (answered.status, missed.status, silent.status) == ("Answered", "Addressed", "Addressed")
	response = frappe.get_doc("Relation Campaign Response", {"member": answered.name})
	assert (response.response_type, response.answer, response.note) == ("Letter", "Interested", "Rückantwort")
	assert str(response.received_at.date()) == "2026-11-02" and response.recorded_by == "Administrator"
	assert queries.status(campaign)["answered"] == 1


def test_rejected_lines_come_back_with_the_reason_and_can_be_put_right(campaign):
	rejects = csv_import.record(campaign, FILE)["rejects"]
	lines = list(csv.reader(io.StringIO(rejects.lstrip("\ufeff")), delimiter=";"))
	assert len(lines) == 5 and all(line[-2] for line in lines)
	right = rejects.replace("vielleicht", "kein Interesse").replace("31.02.2026", "01.02.2026")
	again = csv_import.record(campaign, right)
	assert (again["recorded"], again["rejected"]) == (2, 2)
	assert members(campaign)[2].status in ("Declined", "Answered")


@pytest.mark.parametrize(
	("content", "message"),
	[
		("Name;Antwort\nAnna;ja\n", "names the member"),
		("E-Mail;Datum\na@b.example;1.1.2026\n", "answer is missing"),
		("E-Mail;Antwort\n", "no line"),
		("", "no line"),
		("E-Mail;Antwort" + ";x" * 200_000 + "\na@b.example;ja\n", "columns"),
		("E-Mail;Antwort\n" + "a@b.example;ja\n" * (csv_import.MAX_LINES + 1), "lines"),
		("x" * (csv_import.MAX_BYTES + 1), "larger"),
	],
)
def test_a_file_that_cannot_be_taken_says_what_is_missing(campaign, content, message):
	with pytest.raises(frappe.ValidationError, match=message):
		csv_import.plan(campaign, content)


def test_a_reject_is_no_formula_for_a_spreadsheet(campaign):
	rejects = csv_import.record(campaign, "E-Mail;Antwort\n=cmd|' /C calc'!A0;ja\n")["rejects"]
	assert "'=cmd" in rejects and "\n=cmd" not in rejects


def test_the_desk_takes_a_file_by_its_address_and_with_the_users_rights(campaign):
	file = save_file("answers.csv", FILE.encode(), "Relation Campaign", campaign, is_private=1)
	assert api.preview_answers(campaign, file.file_url)["new"] == 2
	done = api.import_answers(campaign, file.file_url)
	assert done["recorded"] == 2 and done["status"]["answered"] == 1
	assert frappe.db.exists("File", {"file_url": done["rejects"], "is_private": 1})
	frappe.set_user(factories.user(None, "Accounts User"))
	for call in (api.preview_answers, api.import_answers):
		with pytest.raises(frappe.PermissionError):
			call(campaign, file.file_url)


def test_an_answer_by_hand_moves_its_member(campaign):
	member = members(campaign)[0].name
	result = api.record_answer(member, "Letter", "Not Interested", note="Postkarte")
	assert frappe.db.get_value("Relation Campaign Member", member, "status") == "Declined"
	assert (
		frappe.db.get_value("Relation Campaign Response", result["response"], "recorded_by")
		== "Administrator"
	)
	with pytest.raises(frappe.ValidationError, match="neither"):
		api.record_answer(member, "Click", "Interested")


def test_an_answer_by_hand_can_start_qualification(campaign):
	"""Record it like every other response, see doc_events/relation_campaign_response.py."""
	scheme = factories.insert(
		"Relation Qualification Scheme",
		scheme_name=factories.unique("Schema"),
		threshold=10,
		criteria=[
			{
				"description": "Antwort",
				"basis": "Response",
				"answer": "Interested",
				"points": 20,
			}
		],
	)
	frappe.db.set_value("Relation Campaign", campaign, "qualification_scheme", scheme.name)
	frappe.clear_document_cache("Relation Campaign", campaign)
	csv_import.record(campaign, FILE)
	assert members(campaign)[0].status == "Qualified"
