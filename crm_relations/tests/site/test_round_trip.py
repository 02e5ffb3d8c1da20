"""Install on a used ERPNext site, migrate twice, use, uninstall, install again: nothing is left behind.

On a site of its own, a copy of the test site. Needs an administrator of the database in
CRM_RELATIONS_DB_ROOT_USER and CRM_RELATIONS_DB_ROOT_PASSWORD; `scripts/test` gives one.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys

import frappe
import pytest
from frappe.database import get_command, get_db
from frappe.database.db_manager import DbManager

from crm_relations.setup import custom_fields
from crm_relations.tests.conftest import BENCH_DIR, SITE

pytestmark = [pytest.mark.site, pytest.mark.slow]

ADMIN = os.environ.get("CRM_RELATIONS_DB_ROOT_USER", "")
PASSWORD = os.environ.get("CRM_RELATIONS_DB_ROOT_PASSWORD", "")


@pytest.fixture(scope="module")
def other(connection):
	"""A copy of the test site, dropped at the end."""
	if not ADMIN:
		pytest.skip("CRM_RELATIONS_DB_ROOT_USER is not set: no site of its own can be made")
	site = OtherSite()
	try:
		site.create()
		yield site
	finally:
		site.drop()


class OtherSite:
	"""A site with the content of the test site, its own database and its own folder."""

	def __init__(self) -> None:
		mark = frappe.generate_hash(length=10)
		self.name = f"crm-round-{mark}.localhost"
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
		"""A command of the bench, as the admin gives it."""
		return self._run("-m", "frappe.utils.bench_helper", "frappe", "--site", self.name, *arguments)

	def ask(self, function: str, *arguments: str):
		"""A function of `other_site` in a process of its own."""
		output = self._run("-m", "crm_relations.tests.site.other_site", self.name, function, *arguments)
		return json.loads(output.splitlines()[-1])

	def uninstall(self) -> None:
		self.bench("uninstall-app", "crm_relations", "--yes", "--no-backup")

	def install(self) -> None:
		self.bench("install-app", "crm_relations")

	def _run(self, *arguments: str) -> str:
		done = subprocess.run(
			[sys.executable, *arguments],
			cwd=os.path.join(BENCH_DIR, "sites"),
			capture_output=True,
			text=True,
			stdin=subprocess.DEVNULL,
			timeout=600,
		)
		assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
		return done.stdout


def test_a_used_site_takes_the_app_and_gives_it_back_whole(other):
	other.uninstall()
	assert other.ask("leftovers") == {}
	assert other.ask("broken_forms") == []
	old = other.ask("sell")
	before = other.ask("invoice_as_it_is", old)

	other.install()
	first = other.ask("installed")
	assert len(first["fields"]) == sum(len(fields) for fields in custom_fields.custom_fields().values())
	assert first["roles"] == ["Relation Manager", "Relation User"]
	other.bench("migrate")
	other.bench("migrate")
	assert other.ask("installed") == first

	campaign = other.ask("use_the_app")
	sold = other.ask("sell", campaign)
	assert set(other.ask("dimension_of", sold)) == {campaign}
	with_campaign = other.ask("invoice_as_it_is", sold)

	other.uninstall()
	assert other.ask("leftovers") == {}
	assert other.ask("broken_forms") == []
	assert other.ask("invoice_as_it_is", old) == before
	assert without_our_fields(other.ask("invoice_as_it_is", sold)) == without_our_fields(with_campaign)
	assert other.ask("change", sold) == [2, 1]
	other.ask("sell")

	other.install()
	again = other.ask("installed")
	assert [field["name"] for field in again["fields"]] == [field["name"] for field in first["fields"]]
	assert other.ask("broken_forms") == []
	campaign = other.ask("use_the_app")
	sold = other.ask("sell", campaign)
	assert set(other.ask("dimension_of", sold)) == {campaign}


def without_our_fields(value):
	"""The same document without the two fields that went with the app."""
	if isinstance(value, dict):
		return {
			key: without_our_fields(entry)
			for key, entry in value.items()
			if key not in ("relation", "relation_campaign")
		}
	if isinstance(value, list):
		return [without_our_fields(entry) for entry in value]
	return value


def test_the_copy_is_not_the_test_site(other):
	assert other.name != SITE and frappe.conf.db_name != other.database
