"""Copy the test site, for tests that must really commit, kill, install or uninstall.

It needs an administrator of the database in CRM_RELATIONS_DB_ROOT_USER and CRM_RELATIONS_DB_ROOT_PASSWORD.
`scripts/test` provides one, and uses this module to make the sites of further test processes:

        cd BENCH/sites && SITE=… ../env/bin/python -m crm_relations.tests.support.machine.site_copy NEW-SITE
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
import pytest
from frappe.database import get_command, get_db
from frappe.database.db_manager import DbManager

from crm_relations.tests.conftest import BENCH_DIR, SITE

ADMIN = os.environ.get("CRM_RELATIONS_DB_ROOT_USER", "")
PASSWORD = os.environ.get("CRM_RELATIONS_DB_ROOT_PASSWORD", "")


@contextmanager
def other_site() -> Iterator["OtherSite"]:
	"""Yield a copy of the test site and drop it at the end; skip the test without a database administrator."""
	if not ADMIN:
		pytest.skip("CRM_RELATIONS_DB_ROOT_USER is not set: no site of its own can be made")
	site = OtherSite()
	try:
		site.create()
		yield site
	finally:
		site.drop()


class OtherSite:
	"""A site with the content of the test site, and its own database and folder."""

	def __init__(self, name: str = "") -> None:
		mark = frappe.generate_hash(length=10)
		self.name = name or f"crm-round-{mark}.localhost"
		self.database = f"crm_round_{mark}"
		self.folder = os.path.join(BENCH_DIR, "sites", self.name)
		self.manager = DbManager(
			get_db(
				socket=frappe.conf.db_socket,
				host=frappe.conf.db_host,
				port=frappe.conf.db_port,
				user=ADMIN,
				password=PASSWORD,
				cur_db_name=None,
			)
		)

	def create(self) -> None:
		password = frappe.generate_hash(length=16)
		self.manager.create_user(self.database, password)
		self.manager.create_database(self.database)
		self.manager.grant_all_privileges(self.database, self.database)
		self.manager.flush_privileges()
		dump = os.path.join(frappe.get_site_path("private"), f"{self.database}.sql")
		try:
			with open(dump, "wb") as file:
				binary, arguments, _name = get_command(
					socket=frappe.conf.db_socket,
					host=frappe.conf.db_host,
					port=frappe.conf.db_port,
					user=frappe.conf.db_name,
					password=frappe.conf.db_password,
					db_name=frappe.conf.db_name,
					dump=True,
				)
				subprocess.run([*shlex.split(binary), *arguments], stdout=file, check=True)
			self.manager.restore_database(False, self.database, dump, self.database, password)
		finally:
			os.remove(dump)
		shutil.copytree(
			frappe.get_site_path(), self.folder, ignore=shutil.ignore_patterns("*.log*", "locks", "backups")
		)
		for folder in ("logs", "locks"):
			os.makedirs(os.path.join(self.folder, folder), exist_ok=True)
		with open(os.path.join(self.folder, "site_config.json"), "r+", encoding="utf-8") as file:
			config = {**json.load(file), "db_name": self.database, "db_password": password}
			config.pop("db_user", None)
			file.seek(0)
			file.truncate()
			json.dump(config, file, indent=1)

	def drop(self) -> None:
		self.manager.drop_database(self.database)
		self.manager.delete_user(self.database)
		shutil.rmtree(self.folder, ignore_errors=True)

	def bench(self, *arguments: str) -> str:
		"""Run a bench command as an administrator does, and return its output on stdout."""
		done = self.try_bench(*arguments)
		assert done.returncode == 0, _told(arguments, done)
		return done.stdout

	def try_bench(self, *arguments: str) -> subprocess.CompletedProcess:
		"""Run a bench command that may fail, and return its exit code, stdout and stderr."""
		return self._run("-m", "frappe.utils.bench_helper", "frappe", "--site", self.name, *arguments)

	def ask(self, function: str, *arguments: str):
		"""Run a function of `other_site` in a separate process."""
		done = self._run(
			"-m", "crm_relations.tests.support.machine.other_site", self.name, function, *arguments
		)
		assert done.returncode == 0, _told((function, *arguments), done)
		return json.loads(done.stdout.splitlines()[-1])

	def uninstall(self) -> None:
		self.bench("uninstall-app", "crm_relations", "--yes", "--no-backup")

	def install(self) -> None:
		self.bench("install-app", "crm_relations")

	def command(self, *arguments: str) -> list[str]:
		"""Return the command line of a bench command on this site."""
		return [sys.executable, "-m", "frappe.utils.bench_helper", "frappe", "--site", self.name, *arguments]

	def _run(self, *arguments: str) -> subprocess.CompletedProcess:
		return subprocess.run(
			[sys.executable, *arguments],
			cwd=os.path.join(BENCH_DIR, "sites"),
			capture_output=True,
			text=True,
			stdin=subprocess.DEVNULL,
			timeout=600,
		)


def _told(arguments: tuple[str, ...], done: subprocess.CompletedProcess) -> str:
	return f"{' '.join(arguments)}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


if __name__ == "__main__":
	frappe.init(site=SITE, sites_path=".")
	frappe.connect()
	OtherSite(sys.argv[1]).create()
	frappe.destroy()
