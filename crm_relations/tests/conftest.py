"""Define the fixtures and options of the whole suite.

`BENCH_DIR` and `SITE` name the bench and the site of the tests marked `site`. These tests share one
connection, and each is rolled back. Without a site they are skipped.
"""

import ast
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from crm_relations.tests.support.machine import processes

# examples take longer on a busy machine, which is not a fault of the code
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
	"""Return whether a test file has the mark `site`, itself or through the marks of the browser tests."""
	return "pytest.mark.site" in source or "pytestmark = MARKS" in source


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
	processes.slowest_first(items)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
	if config.option.durations:
		processes.tell_files(terminalreporter)


class SkippedFile(pytest.File):
	"""A test file that cannot be imported without frappe: its tests are read from the source and skipped."""

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
		"""Enter the bench and start the queue, after pytest has resolved its paths, which may be relative.

		The test files are read after this. What they import opens its log files next to the folder `sites`. A
		process that only distributes files to others needs none of this.
		"""
		if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
			return
		from crm_relations.tests.support.machine.servers import open_queue

		os.chdir(os.path.join(BENCH_DIR, "sites"))
		servers.append(open_queue())
		frappe.init(site=SITE, sites_path=".")

	@pytest.fixture(scope="session", autouse=True)
	def connection():
		"""Connect once for the session, as Administrator, in test mode."""
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
		"""Empty the cache after each file, so that no file affects the next one."""
		yield
		cache.empty_all()

	@pytest.fixture(autouse=True)
	def rolled_back(connection, clean_cache):
		"""Roll back the writes of each test, and empty the cache."""
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
		"""Run a mail server that accepts, refuses and hangs up as the test defines it."""
		from crm_relations.tests.support.mailing import scripted_sink

		with scripted_sink() as sink:
			yield sink

	@pytest.fixture
	def mailing(sink):
		"""Commit a mailing with an account that sends to `sink`, and remove it afterwards."""
		from crm_relations.tests.support.mailing import Mailing

		mailing = Mailing()
		mailing.open_account(sink.port)
		frappe.db.commit()
		yield mailing
		frappe.set_user("Administrator")
		mailing.remove()

	def _test_mode(on: bool) -> None:
		"""Set test mode: version 15 reads flags.in_test, version 16 also frappe.in_test."""
		frappe.flags.in_test = on
		try:
			from frappe.tests.utils import toggle_test_mode
		except ImportError:
			return
		toggle_test_mode(on)
