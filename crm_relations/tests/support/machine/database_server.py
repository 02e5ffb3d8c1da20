"""Run a separate MariaDB server, which tests may stop and kill unlike the bench's server, and a site on it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import frappe
import pytest
from frappe.database import get_command

from crm_relations.tests.conftest import BENCH_DIR
from crm_relations.tests.support.machine.servers import free_port, wait_for


class DatabaseServer:
	"""A server in its own folder; `folder` may be that of a server that runs already in another process.

	With its settings no committed data is lost, however the server ends.
	"""

	def __init__(self, folder: str) -> None:
		self.folder = folder
		self.data = os.path.join(folder, "data")
		self.socket = os.path.join(folder, "socket")
		self.pid_file = os.path.join(folder, "pid")
		self.port_file = os.path.join(folder, "port")
		self.restarts = 0

	@property
	def port(self) -> int:
		with open(self.port_file) as file:
			return int(file.read())

	def create(self) -> None:
		"""Start a new server, or skip the test if MariaDB's programs are missing."""
		install = shutil.which("mariadb-install-db")
		if not install or not _program():
			pytest.skip("mariadb-install-db and mariadbd are not there")
		os.makedirs(self.data)
		with open(self.port_file, "w") as file:
			file.write(str(free_port()))
		subprocess.run(
			[
				install,
				"--no-defaults",
				f"--datadir={self.data}",
				"--auth-root-authentication-method=normal",
				"--skip-test-db",
			],
			check=True,
			stdout=subprocess.DEVNULL,
		)
		self.start()

	def start(self) -> None:
		subprocess.Popen(
			[
				_program(),
				"--no-defaults",
				f"--datadir={self.data}",
				f"--socket={self.socket}",
				f"--pid-file={self.pid_file}",
				f"--port={self.port}",
				"--bind-address=127.0.0.1",
				"--character-set-server=utf8mb4",
				"--collation-server=utf8mb4_unicode_ci",
				"--innodb-buffer-pool-size=512M",
				"--innodb-flush-log-at-trx-commit=1",
				f"--log-error={self.folder}/log",
			],
			stdout=subprocess.DEVNULL,
			stderr=subprocess.DEVNULL,
			start_new_session=True,
		)
		wait_for(self._answers, 120, "the test's own MariaDB")

	def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
		with open(self.pid_file) as file:
			pid = int(file.read())
		os.kill(pid, how)
		wait_for(lambda: not _lives(pid), 120, "the end of the test's own MariaDB")
		for left in (self.socket, self.pid_file):
			if os.path.exists(left):
				os.remove(left)

	def restart(self) -> None:
		"""Restart the server, by a regular shutdown and by SIGKILL in turn, after a short delay."""
		self.stop((signal.SIGTERM, signal.SIGKILL)[self.restarts % 2])
		self.restarts += 1
		time.sleep(0.5)
		self.start()

	def sql(self, statements: str) -> None:
		"""Run SQL as the administrator with the command line client."""
		self._client(input=statements.encode())

	def restore(self, dump: str, database: str, password: str) -> None:
		"""Restore a dump into a database of that name, and create a user of that name for it."""
		self.sql(
			f"CREATE DATABASE `{database}`;"
			f"CREATE USER '{database}'@'%' IDENTIFIED BY '{password}';"
			f"CREATE USER '{database}'@'localhost' IDENTIFIED BY '{password}';"
			f"GRANT ALL ON `{database}`.* TO '{database}'@'%', '{database}'@'localhost';"
		)
		with open(dump, "rb") as file:
			self._client(database, stdin=file)

	def _client(self, *arguments: str, **streams) -> None:
		subprocess.run(
			["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", *arguments],
			check=True,
			**streams,
		)

	def _answers(self) -> bool:
		done = subprocess.run(
			["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--execute=SELECT 1"],
			capture_output=True,
		)
		return done.returncode == 0


@contextmanager
def site_on_a_server_of_its_own(folder: str) -> Iterator[str]:
	"""Yield a copy of the test site on a new server in an empty folder; both are removed with the block."""
	server = DatabaseServer(folder)
	server.create()
	name = f"crm-server-{frappe.generate_hash(length=10)}.localhost"
	site = os.path.join(BENCH_DIR, "sites", name)
	try:
		_copy(server, site)
		yield name
	finally:
		server.stop()
		shutil.rmtree(site, ignore_errors=True)


def _copy(server: DatabaseServer, site: str) -> None:
	for part in ("private/files", "public/files", "logs", "locks"):
		os.makedirs(os.path.join(site, part))
	database, password = f"crm_{frappe.generate_hash(length=10)}", frappe.generate_hash(length=16)
	dump = os.path.join(server.folder, "dump.sql")
	binary, arguments, _name = get_command(
		socket=frappe.conf.db_socket,
		host=frappe.conf.db_host,
		port=frappe.conf.db_port,
		user=frappe.conf.db_name,
		password=frappe.conf.db_password,
		db_name=frappe.conf.db_name,
		dump=True,
	)
	with open(dump, "wb") as file:
		subprocess.run([*shlex.split(binary), *arguments], stdout=file, check=True)
	server.restore(dump, database, password)
	with open(frappe.get_site_path("site_config.json"), encoding="utf-8") as file:
		config = json.load(file)
	config.pop("db_user", None)
	config.update(
		db_name=database, db_password=password, db_host="127.0.0.1", db_port=server.port, db_socket=""
	)
	with open(os.path.join(site, "site_config.json"), "w", encoding="utf-8") as file:
		json.dump(config, file, indent=1)


def _program() -> str | None:
	return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")


def _lives(pid: int) -> bool:
	try:
		with open(f"/proc/{pid}/stat") as file:
			return file.read().rpartition(")")[2].split()[0] != "Z"
	except OSError:
		return False
