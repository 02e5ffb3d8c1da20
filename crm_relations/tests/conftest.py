"""Options of the whole suite. `BENCH_DIR` and `SITE` name the bench and the site that the site tests run on."""

import os

import pytest
from hypothesis import settings

from crm_relations.tests import processes

# a busy machine is no error: what an example costs says nothing about what it shows
settings.register_profile("crm_relations", deadline=None)
settings.load_profile("crm_relations")

processes.take_own_site()
REQUIRE_SITE = os.environ.get("CRM_RELATIONS_REQUIRE_SITE") == "1"
BENCH_DIR = os.environ.get("BENCH_DIR", "")
SITE = os.environ.get("SITE", "")


def site_missing() -> str:
	"""Why the site tests cannot run, or an empty string."""
	if not BENCH_DIR or not SITE:
		return "no bench: BENCH_DIR and SITE are not set"
	if not os.path.isfile(os.path.join(BENCH_DIR, "sites", SITE, "site_config.json")):
		return f"no site {SITE} in {BENCH_DIR}/sites"
	try:
		import frappe  # noqa: F401
	except ImportError:
		return "frappe cannot be imported: run with the bench's own Python, env/bin/python"
	return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
	processes.slowest_first(items)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
	if config.option.durations:
		processes.tell_files(terminalreporter)
