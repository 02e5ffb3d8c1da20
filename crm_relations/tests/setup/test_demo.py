"""Test the demo and the command line as an administrator uses them: output, JSON keys and exit codes.

It runs on a copy of the test site, because everything is committed. Commands run as separate processes where
the process matters; the others share one.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

import frappe
import pytest
from click.testing import CliRunner

from crm_relations import commands
from crm_relations.demo import run, story
from crm_relations.demo.generate import generate
from crm_relations.relations.identities.sync import SyncReport
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.commits import held_back
from crm_relations.tests.support.machine.site_copy import OtherSite, other_site

pytestmark = [pytest.mark.site, pytest.mark.slow]

DEALS = 6
STATIONS = [
	"contact",
	"segment",
	"campaign",
	"answer",
	"qualified",
	"handed over",
	"quotation",
	"order",
	"invoice",
	"payment",
	"credit note",
	"balance sheet",
]
AMOUNTS = ("revenue", "credit_notes", "tax", "receivable_open", "cash_received")
NOWHERE = "Nowhere to be found"


@pytest.fixture(scope="module")
def other(connection) -> Iterator[OtherSite]:
	with other_site() as site:
		site.bench("relations", "confirm-live-site")  # the copy is a separate site
		yield site


@pytest.fixture(scope="module")
def demo(other) -> dict:
	"""Return the first run, as JSON."""
	return json.loads(other.bench("relations", "demo", "--deals", str(DEALS), "--json"))


@pytest.fixture(scope="module")
def answers(other, demo, tmp_path_factory) -> dict[str, dict]:
	"""Return the answers of the commands on the demo's site: first words of the line → code, out, err."""
	export = generate(tmp_path_factory.mktemp("export"), deals=2, accounts=3)
	mapping = Path(story.__file__).parent / "mapping.json"
	lines = {
		"sync": "sync --json",
		"check": "check --json",
		"import-pipeline": f"import-pipeline {export} --mapping {mapping} --rejects {export}/out.csv --json",
		"preview": f"segment preview {quote(story.SEGMENT)} --json",
		"status": f"campaign status {quote(story.CAMPAIGN)} --json",
		"statement": "statement --json",
		"statement of a campaign": f"statement --campaign {quote(story.CAMPAIGN)} --json",
		"no segment": f"segment preview {quote(NOWHERE)} --json",
		"no campaign": f"statement --campaign {quote(NOWHERE)} --json",
		"no date": "statement --from 31.01.2026 --json",
		"no folder": f"import-pipeline {export}/nothing --json",
	}
	return dict(zip(lines, other.ask("said", *lines.values()), strict=True))


def read(answers: dict[str, dict], name: str) -> dict:
	"""Return the JSON document of a successful command, which must be all of its stdout."""
	answer = answers[name]
	assert answer["code"] == 0, answer["err"]
	return json.loads(answer["out"])


def test_the_demo_passes_every_station_and_its_statement_has_no_difference(demo):
	counts = {row["station"]: row["count"] for row in demo["stations"]}
	assert list(counts) == STATIONS
	assert all(count > 0 for station, count in counts.items() if station != "balance sheet")
	assert counts["campaign"] == story.CONTACTS - story.WITHOUT_CONSENT
	assert counts["qualified"] == counts["handed over"] == counts["quotation"]
	(figures,) = demo["statement"]["campaigns"]
	assert figures["campaign"] == demo["campaign"] == story.CAMPAIGN
	assert all(float(figures[key]) for key in AMOUNTS)
	assert demo["statement"]["difference"] == "0.00"
	assets = float(figures["receivable_open"]) + float(figures["cash_received"])
	assert float(counts["balance sheet"]) == pytest.approx(assets, abs=0.001)
	imported = demo["import"]
	assert imported["rows_in"] == imported["imported"] + imported["rejected"]
	assert imported["won_value"] == imported["income_posted"]


def test_a_second_demo_doubles_nothing_and_prints_the_stations(other, demo):
	before = other.ask("documents")
	text = other.bench("relations", "demo", "--deals", str(DEALS))
	assert other.ask("documents") == before
	assert before["Relation Campaign Send"] == 2 * story.CONTACTS
	lines = [" ".join(line.split()) for line in text.splitlines()]
	for row in demo["stations"]:
		assert f"{row['station']} {row['count']} {row['what']}" in lines
	assert "difference 0.00" in lines


PLACES = ("Company", "Relation Campaign", "Sales Invoice", "Customer")


def test_on_a_site_with_other_companies_the_demo_writes_nothing_and_asks_for_one(connection, monkeypatch):
	monkeypatch.setattr(run.companies, "COMPANY", "A company that is not there")
	before = {doctype: frappe.db.count(doctype) for doctype in PLACES}
	with pytest.raises(frappe.ValidationError, match="--company NAME"):
		run.run()
	assert {doctype: frappe.db.count(doctype) for doctype in PLACES} == before


def test_without_the_extra_the_demo_writes_nothing_and_names_the_package(connection, monkeypatch):
	monkeypatch.setitem(sys.modules, "aiosmtpd.controller", None)
	before = {doctype: frappe.db.count(doctype) for doctype in PLACES}
	with pytest.raises(frappe.ValidationError, match="aiosmtpd"):
		run.run()
	assert {doctype: frappe.db.count(doctype) for doctype in PLACES} == before


def test_a_demo_that_fails_leaves_no_running_campaign(connection, monkeypatch):
	name = factories.insert(
		"Relation Campaign",
		campaign_name=factories.unique("Abgebrochen"),
		segment=factories.insert(
			"Relation Segment", segment_name=factories.unique("Alle"), kind="Manual"
		).name,
		steps=[{"step_type": "Call", "title": "Anruf", "call_script": "<p>Guten Tag</p>"}],
	).name
	frappe.db.set_value("Relation Campaign", name, "status", "Running")

	def fails(*_arguments):
		raise frappe.ValidationError("no price list")

	monkeypatch.setattr(story, "CAMPAIGN", name)
	monkeypatch.setattr(run, "_import", lambda *_arguments: {})
	monkeypatch.setattr(run, "_switches", lambda *_arguments: None)
	monkeypatch.setattr(story, "contacts", lambda *_arguments: [])
	monkeypatch.setattr(run, "sync", lambda **_options: SyncReport({}, False))
	monkeypatch.setattr(run, "_campaign", fails)
	with held_back(), pytest.raises(frappe.ValidationError, match="no price list"):
		run.run(company=run.companies.COMPANY)
	assert frappe.db.get_value("Relation Campaign", name, "status") == "Paused"


@pytest.mark.parametrize("command", ["sync", "import-pipeline"])
def test_what_reads_rows_accounts_for_each(answers, command):
	data = read(answers, command)
	assert data["by"]
	for row in (data, *data["by"].values()):
		assert row["rows_in"] == row["imported"] + row["rejected"]
	for key in ("rows_in", "imported", "rejected"):
		assert data[key] == sum(row[key] for row in data["by"].values())


def test_check_says_what_it_found_and_the_remedy(answers):
	answer = answers["check"]
	data = json.loads(answer["out"])
	assert answer["code"] == (0 if data["ok"] else 1)
	assert data["ok"] == all(finding["level"] != "error" for finding in data["findings"])
	for finding in data["findings"]:
		assert set(finding) == {"level", "code", "message", "remedy"}
		assert finding["message"] and finding["remedy"]
	# a copy of the test site has no workers
	assert data["findings"]


def test_after_a_sync_no_figures_and_no_classes_are_missing(answers):
	assert read(answers, "sync")["by"]
	codes = {finding["code"] for finding in json.loads(answers["check"]["out"])["findings"]}
	assert "default-payable-account-chart" not in codes
	assert not codes & {"facts-missing", "classes-missing", "facts-waiting"}


def test_the_preview_of_a_segment_has_count_and_sample(answers):
	data = read(answers, "preview")
	assert data["count"] == story.CONTACTS
	assert len(data["sample"]) == 10
	assert all(row["name"] and row["relation_name"] for row in data["sample"])


def test_the_status_of_a_campaign_has_its_counts(answers):
	data = read(answers, "status")
	assert (data["members"], data["sent"]) == (story.CONTACTS, story.CONTACTS - story.WITHOUT_CONSENT)
	assert (data["failed"], data["uncertain"], data["suppressed"]) == (0, 0, story.WITHOUT_CONSENT)
	assert data["answered"] > 0


@pytest.mark.parametrize("command", ["statement", "statement of a campaign"])
def test_the_statement_gives_amounts_as_decimal_strings(answers, command):
	data = read(answers, command)
	assert {"not_attributed", "ledger_income", "difference"} <= set(data)
	assert data["difference"] == "0.00"
	(row,) = (row for row in data["campaigns"] if row["campaign"] == story.CAMPAIGN)
	assert set(row) == {"campaign", *AMOUNTS}
	for amount in (*(row[key] for key in AMOUNTS), data["not_attributed"], data["ledger_income"]):
		assert isinstance(amount, str) and len(amount.split(".")[1]) == 2


@pytest.mark.parametrize(
	("command", "named"),
	[
		("no segment", story.SEGMENT),
		("no campaign", NOWHERE),
		("no date", "31.01.2026"),
		("no folder", "nothing"),
	],
)
def test_a_wrong_argument_ends_with_1_and_words_on_stderr_only(answers, command, named):
	answer = answers[command]
	assert (answer["code"], answer["out"]) == (1, "")
	assert "Error" in answer["err"] and named in answer["err"]
	assert "Traceback" not in answer["err"]


def test_wrong_usage_ends_with_2_and_names_the_option(other):
	done = other.try_bench("relations", "sync", "--no-such-option")
	assert (done.returncode, done.stdout) == (2, "")
	assert "--no-such-option" in done.stderr


def test_several_sites_at_once_are_refused_before_anything_is_done(other):
	context = {"sites": [other.name, "another.localhost"], "force": False, "verbose": False, "profile": False}
	done = CliRunner().invoke(commands.relations, ["check"], obj=context)
	assert (done.exit_code, done.stdout) == (1, "")
	assert "one site at a time, and 2 were given" in done.stderr and "bench --site NAME" in done.stderr


def test_the_process_of_a_failed_command_ends_with_1_too(other):
	done = other.try_bench("relations", "campaign", "status", NOWHERE)
	assert (done.returncode, done.stdout) == (1, "")
	assert "Error" in done.stderr and NOWHERE in done.stderr
	assert "Traceback" not in done.stderr
