"""Test uninstall with objects of an administrator, and the restore from the archive, on a copied site."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_relations.tests.conftest import BENCH_DIR
from crm_relations.tests.support.machine.site_copy import OtherSite, other_site

pytestmark = [pytest.mark.site, pytest.mark.slow]


@pytest.fixture(scope="module")
def other(connection) -> Iterator[OtherSite]:
	with other_site() as site:
		yield site


def test_objects_of_an_admin_are_listed_and_made_harmless_and_the_archive_brings_everything_back(other):
	campaign = other.ask("use_the_app")
	sold = other.ask("sell", campaign)
	made = other.ask("build")
	names = json.dumps(made)
	assert other.ask("object_to_mail", made["relation"]) is False
	before, objects = other.ask("holdings"), other.ask("state", names)
	assert {"Relation", "Relation Consent", "Relation Campaign", "Sales Invoice.relation"} <= set(before)
	assert objects["queued"] == 1

	listed = other.bench("uninstall-app", "crm_relations", "--yes", "--dry-run")
	for name in ("Campaign sold", "Customer-main_relation", "Sales by Campaign", "Team", "States"):
		assert name in listed, name
	assert other.ask("holdings") == before
	assert other.ask("state", names) == objects

	told = other.bench("uninstall-app", "crm_relations", "--yes", "--no-backup")
	archive = Path(BENCH_DIR, "sites", re.search(r"Archive of everything that goes: (\S+)", told)[1])
	assert archive.stat().st_mode & 0o077 == 0
	assert other.ask("leftovers") == {}
	assert other.ask("broken_forms") == []
	assert other.ask("state", names) == {
		"link": ["Data", "", 1],
		"value": made["relation"],
		"fetched": "",
		"table": False,
		"visit": "Data",
		"notifications": [0, 1, 0],
		"receiver": ["System Manager"],
		"server_script": [1],
		"client_scripts": [0, 1],
		"assignment_rule": [1],
		"webhooks": [0],
		"reports": [1, 0],
		"report_roles": ["System Manager"],
		"email_report": [0],
		"chart": False,
		"dashboard": 0,
		"card": False,
		"shortcuts": ["Bills"],
		"links": ["Lists"],
		"blocks": ["b"],
		"kanban": False,
		"list_filter": False,
		"search_fields": "customer",
		"brand_rights": ["System Manager"],
		"credit_controller": "System Manager",
		"user_settings": 0,
		"task": ["Cancelled", None],
		"own_task": ["Open", None],
		"file": False,
		"queued": 0,
	}
	assert not Path(BENCH_DIR, "sites", made["path"]).exists()
	assert other.ask("save_forms", names) == ["Customer", "Visit", "Lead"]
	assert other.ask("report_for_everybody", "Secret Sales") is False
	other.ask("sell")

	other.install()
	other.ask("change_customer_of", sold)  # makes a relation for a customer of the archive
	report = json.loads(other.bench("relations", "restore", str(archive), "--json"))
	assert not [row for row in report["by"].values() if row["left_out"]]
	assert restored(other.ask("holdings"), before) == before
	again = json.loads(other.bench("relations", "restore", str(archive), "--json"))
	assert not [doctype for doctype, row in again["by"].items() if row["restored"]]
	assert restored(other.ask("holdings"), before) == before
	assert set(other.ask("dimension_of", sold)) == {campaign}
	assert other.ask("broken_forms") == []


def restored(now: dict, before: dict) -> dict:
	"""Return the part of the current rows that was in the archive."""
	return {key: value for key, value in now.items() if key in before}
