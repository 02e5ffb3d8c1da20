"""Fixtures and options of the whole suite.

`BENCH_DIR` and `SITE` name the bench and the site of the tests marked `site`. These tests share one connection, and each
is rolled back. Without a site they count as skipped.
"""

import ast
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from crm_relations.tests.support.machine import processes

# examples take longer on a busy machine, which says nothing about the code
settings.register_profile("crm_relations", deadline=None)
settings.load_profile("crm_relations")

processes.take_own_site()
REQUIRE_SITE = os.environ.get("CRM_RELATIONS_REQUIRE_SITE") == "1"
BENCH_DIR = os.environ.get("BENCH_DIR", "")
SITE = os.environ.get("SITE", "")


def site_missing() -> str:
	"""Return why the site tests cannot run, or an empty string."""
	if not BENCH_DIR or not SITE:
		return "no bench: BENCH_DIR and SITE are not set"
	if not os.path.isfile(os.path.join(BENCH_DIR, "sites", SITE, "site_config.json")):
		return f"no site {SITE} in {BENCH_DIR}/sites"
	try:
		import frappe  # noqa: F401
	except ImportError:
		return "frappe cannot be imported: run with the bench's own Python, env/bin/python"
	return ""


MISSING = site_missing()
if MISSING and REQUIRE_SITE:
	raise pytest.UsageError(f"The site tests are required here, but: {MISSING}")


def needs_site(source: str) -> bool:
	"""Tell whether a test file carries the mark `site`, by itself or with those of the browser tests."""
	return "pytest.mark.site" in source or "pytestmark = MARKS" in source


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
	processes.slowest_first(items)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
	if config.option.durations:
		processes.tell_files(terminalreporter)


class SkippedFile(pytest.File):
	"""A test file that cannot be imported without frappe: its tests, read from the source, as skipped."""

	def collect(self) -> Iterator[pytest.Item]:
		for node in ast.walk(ast.parse(self.path.read_text(encoding="utf-8"))):
			if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
				yield SkippedTest.from_parent(self, name=node.name)


class SkippedTest(pytest.Item):
	def runtest(self) -> None:
		pytest.skip(MISSING)

	def reportinfo(self):
		return self.path, 0, self.name


if MISSING:

	def pytest_pycollect_makemodule(module_path, parent):
		if module_path.name.startswith("test_") and needs_site(module_path.read_text(encoding="utf-8")):
			return SkippedFile.from_parent(parent, path=module_path)
		return None

else:
	import frappe

	from crm_relations.tests.support.machine.browser import administrators_browser  # noqa: F401
	from crm_relations.tests.support.machine.caching import Cache

	cache = Cache()
	servers = []

	def pytest_configure(config: pytest.Config) -> None:
		"""Enter the bench and start the queue, once pytest knows its paths: they may be relative.

		The test files are read after this: what they import opens its log files beside the folder `sites`. A process that
		only hands out files to others needs none of it.
		"""
		if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
			return
		from crm_relations.tests.support.machine.servers import open_queue

		os.chdir(os.path.join(BENCH_DIR, "sites"))
		servers.append(open_queue())
		frappe.init(site=SITE, sites_path=".")

	@pytest.fixture(scope="session", autouse=True)
	def connection():
		"""One connection for the session, as Administrator, in test mode."""
		from crm_relations.shared import live_site

		cache.watch()
		frappe.connect()
		_test_mode(True)
		if live_site.hindrance():  # the site of another process was copied for this one
			live_site.confirm()
			frappe.db.commit()
		yield
		frappe.db.rollback()
		frappe.destroy()
		for queue in filter(None, servers):
			queue.communicate()

	@pytest.fixture(scope="module", autouse=True)
	def clean_cache(connection):
		"""No file leaves anything in the cache to the next one."""
		yield
		cache.empty_all()

	@pytest.fixture(autouse=True)
	def rolled_back(connection, clean_cache):
		"""What a test writes is gone after it; what was cached as well."""
		frappe.set_user("Administrator")
		yield
		frappe.db.rollback()
		frappe.set_user("Administrator")
		frappe.local.message_log = []
		frappe.flags.accounting_dimensions = None
		frappe.flags.accounting_dimensions_details = None
		frappe.local.document_cache = {} if hasattr(frappe.local, "document_cache") else None
		cache.empty()

	@pytest.fixture
	def sink():
		"""A mail server that accepts, refuses and hangs up as it is told."""
		from crm_relations.tests.support.mailing import scripted_sink

		with scripted_sink() as sink:
			yield sink

	@pytest.fixture
	def mailing(sink):
		"""A mailing whose account leads to `sink`, committed; it is taken away again."""
		from crm_relations.tests.support.mailing import Mailing

		mailing = Mailing()
		mailing.open_account(sink.port)
		frappe.db.commit()
		yield mailing
		frappe.set_user("Administrator")
		mailing.remove()

	def _test_mode(on: bool) -> None:
		"""Version 15 reads flags.in_test, version 16 frappe.in_test as well."""
		frappe.flags.in_test = on
		try:
			from frappe.tests.utils import toggle_test_mode
		except ImportError:
			return
		toggle_test_mode(on)
