"""Wrap a command: connect to the site, print one answer to stdout and errors to stderr, set the exit code."""

import json
import os
import sys
from contextlib import redirect_stdout
from html import unescape
from importlib import import_module
from typing import Any, NoReturn

import click
import frappe
from frappe.commands import get_site
from frappe.utils import strip_html

#: errors that a user can fix: they are shown as a message, without a traceback
USER_ERRORS = (frappe.ValidationError, frappe.PermissionError, ValueError)


class ProgressLine:
	"""Progress on stderr: one line that rewrites itself in a terminal, otherwise one line per tenth."""

	def __init__(self) -> None:
		self.live = sys.stderr.isatty()
		self.last: tuple[str, int] | None = None

	def __call__(self, what: str, done: int, total: int) -> None:
		step = done * (100 if self.live else 10) // max(total, 1)
		if self.last == (what, step):
			return
		self.last = (what, step)
		end = "\n" if not self.live or done >= total else ""
		sys.stderr.write(f"{chr(13) if self.live else ''}{what}: {done} of {total}{end}")
		sys.stderr.flush()


def answer(context: click.Context, action: str, as_json: bool, **options: Any) -> None:
	"""Run `actions.<action>` on the site and print what it returns; ends the process with 1 if that is not ok."""
	site = _site(context)
	try:
		# ERPNext and Frappe print in some places: stdout is only for the answer
		with redirect_stdout(sys.stderr):
			_connect(site)
			# Frappe loads the commands of all apps for every `bench` call: the packages are imported only
			# here
			actions = import_module("crm_relations.commands.actions")
			data, ok = getattr(actions, action)(on_progress=ProgressLine(), **options)
			frappe.db.commit()
			shown = json.dumps(data, default=str, indent=1) if as_json else _text(action, data)
	except USER_ERRORS as error:
		_fail(_words(error))
	except KeyboardInterrupt:
		_fail("Interrupted. What is done is saved; run the command again to go on.")
	finally:
		frappe.destroy()
	click.echo(shown)
	if not ok:
		sys.exit(1)


def _text(action: str, data: dict[str, Any]) -> str:
	return getattr(import_module("crm_relations.commands.text"), action)(data)


def _site(context: click.Context) -> str:
	options = context.obj
	sites = options.get("sites") if isinstance(options, dict) else getattr(options, "sites", None)
	if sites and len(sites) > 1:
		_fail(
			f"These commands work on one site at a time, and {len(sites)} were given. "
			"Use: bench --site NAME relations …, once for each site."
		)
	site = get_site(frappe._dict(options) if isinstance(options, dict) else options, raise_err=False)
	if not site:
		_fail("No site given. Use: bench --site NAME relations …")
	if not os.path.isfile(os.path.join(".", site, "site_config.json")):
		_fail(f"There is no site {site} in {os.path.abspath('.')}.")
	return site


def _connect(site: str) -> None:
	frappe.init(site=site)
	try:
		frappe.connect()
	except Exception as error:  # the driver's own classes differ between the versions of Frappe
		if type(error).__name__ not in ("OperationalError", "InterfaceError"):
			raise
		_fail(f"The database of {site} does not answer: {error}. Are MariaDB and Redis running?")
	if "crm_relations" not in frappe.get_installed_apps():
		_fail(f"CRM Relations is not on this site. Run: bench --site {site} install-app crm_relations")
	frappe.set_user("Administrator")


def _words(error: Exception) -> str:
	"""Return the message of an error, and those that Frappe has collected for a dialog, without HTML and
	duplicates.
	"""
	collected = [
		message.get("message", "") if isinstance(message, dict) else json.loads(message).get("message", "")
		for message in frappe.local.message_log
	]
	texts = [unescape(strip_html(text.replace("<br>", "\n"))).strip() for text in [*collected, str(error)]]
	return "\n".join(dict.fromkeys(text for text in texts if text)) or type(error).__name__


def _fail(message: str) -> NoReturn:
	click.echo(click.style("Error: ", fg="red") + message, err=True)
	sys.exit(1)
