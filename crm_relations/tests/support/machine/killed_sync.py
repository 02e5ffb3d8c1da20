"""What the test of a killed sync does on its own site: one process a call, since one of them is killed.

	cd BENCH/sites && ../env/bin/python -m crm_relations.tests.support.machine.killed_sync SITE FUNCTION [ARGUMENT…]

Prints the function's answer as JSON.
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
	"""Documents are inserted, and events make their relations; then the site is as before the installation.

	What the copied site's other tests have left is first as a sync makes it: only what comes now, events make.
	Returns what the relations were, and how many documents they had.
	"""
	test_sync.settle()
	for _number in range(STORIES):
		test_sync.whole_story()
	by_events = digest(), made()
	test_sync.forget_all()
	frappe.db.commit()
	return by_events


def killed(page: str, where: str) -> None:
	"""Sync, until the process is killed in the middle of a page, or right after it is committed."""
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
	"""All that the relations say, and how many of each there are: doubles and leftovers would show."""
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
