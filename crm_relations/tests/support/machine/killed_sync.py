"""Run the steps of the killed sync test on its own site, one process per call, because one of them is killed.

        cd BENCH/sites && ../env/bin/python -m crm_relations.tests.support.machine.killed_sync SITE FUNCTION [ARGUMENT…]

It prints the return value of the function as JSON.
"""

import hashlib
import json
import os
import signal
import sys

import frappe

from crm_relations.relations.identities import sync as engine
from crm_relations.relations.roles_and_stages import roles
from crm_relations.tests.relations import test_sync

STORIES = 3
PAGE = 6


def fill() -> tuple[str, int]:
	"""Insert documents and let events make their relations; then reset the site as before the installation.

	The documents of other tests are synced first, so that only the new ones get their relations by events.
	Return the relations and the number of their documents.
	"""
	test_sync.settle()
	for _number in range(STORIES):
		test_sync.whole_story()
	by_events = digest(), made()
	test_sync.forget_all()
	frappe.db.commit()
	return by_events


def killed(page: str, where: str) -> None:
	"""Run a sync that is killed in the middle of a page, or right after a page is committed."""
	seen = 0

	def die() -> None:
		nonlocal seen
		seen += 1
		if seen == int(page):
			os.kill(os.getpid(), signal.SIGKILL)

	refresh = roles.refresh

	def dying_refresh(*arguments, **values) -> None:
		refresh(*arguments, **values)
		if where == "in it":
			die()

	roles.refresh = dying_refresh
	engine.CHUNK = PAGE
	engine.sync(on_progress=lambda *_progress: die() if where == "after it" else None)


def made() -> int:
	return frappe.db.count("Relation Party")


def sync() -> dict:
	engine.CHUNK = PAGE
	return engine.sync().as_dict()


def digest() -> str:
	"""Return all content and all counts of the relations, which show duplicates and leftovers."""
	counts = {doctype: frappe.db.count(doctype) for doctype in test_sync.TABLES}
	text = repr((sorted((key, repr(_ordered(told))) for key, told in test_sync.files().items()), counts))
	return hashlib.sha256(text.encode()).hexdigest()


def _ordered(told: tuple) -> tuple:
	members, values, held, linked = told
	return members, sorted(values.items()), sorted(held, key=repr), sorted(linked, key=repr)


FUNCTIONS = (fill, killed, made, sync, digest)


if __name__ == "__main__":
	frappe.init(site=sys.argv[1], sites_path=".")
	frappe.connect()
	functions = {function.__name__: function for function in FUNCTIONS}
	answer = functions[sys.argv[2]](*sys.argv[3:])
	frappe.destroy()
	print(json.dumps(answer, default=str))
