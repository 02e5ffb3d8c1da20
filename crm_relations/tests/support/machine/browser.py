"""Run a headless Chromium at the desk of the test site, for tests that click and type as users do."""

from collections.abc import Callable

import frappe
import pytest

from crm_relations.setup import assets
from crm_relations.tests.support.machine.servers import chromium, desk

#: marks of a test file that needs the browser
MARKS = [
	pytest.mark.site,
	pytest.mark.browser,
	pytest.mark.slow,
	pytest.mark.skipif(
		chromium() is None, reason="no Chromium: install the package chromium or set CHROMIUM"
	),
]
PASSWORD = "Wiesengrund-4711-Tal"
ARGUMENTS = [
	"--no-sandbox",  # the tests may run as root in a container
	"--disable-gpu",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
	"--no-first-run",
	"--host-resolver-rules=MAP * 127.0.0.1",
]


@pytest.fixture(scope="module")
def administrators_browser(clean_cache):
	"""Yield a browser in which Administrator is logged in, for the tests of a file.

	The web server runs as long.
	"""
	from frappe.utils.password import update_password
	from playwright.sync_api import sync_playwright

	assets.ensure()
	update_password("Administrator", PASSWORD)
	frappe.db.commit()
	with desk() as address, sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
		context = browser.new_context(base_url=address, viewport={"width": 1400, "height": 1000})
		page = context.new_page()
		page.goto("/login")
		page.fill("#login_email", "Administrator")
		page.fill("#login_password", PASSWORD)
		page.click(".btn-login")
		page.wait_for_url("**/app/**", timeout=60_000)
		page.close()
		yield context
		browser.close()


@pytest.fixture(name="page")
def administrators_page(administrators_browser):
	"""Yield an empty page without traces of the previous test; `errors` collects the errors of scripts."""
	page = administrators_browser.new_page()
	page.errors = []
	page.on("pageerror", lambda error: page.errors.append(str(error)) if ours(error) else None)
	yield page
	if page.url.startswith("http"):
		page.evaluate("localStorage.clear()")
	page.close()


def desk_test(test: Callable) -> Callable:
	"""Mark a single test that needs the browser, in a file of other tests."""
	for mark in MARKS:
		test = mark(test)
	return test


def ours(error) -> bool:
	"""Return whether a script error concerns our app.

	Frappe pins a fork of its date picker. A bench built with the original release throws errors in every
	Datetime control of every form, which have nothing to do with this app.
	"""
	return "set_datepicker" not in (error.stack or "")
