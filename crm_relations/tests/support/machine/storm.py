"""Run a campaign while workers are killed, the mail server is slow or stops, and the database stops.

`Storm.run` ends when no send is due. The caller checks the result. The seed decides on every failure, which
happens at a number of messages that the sink has received. It runs as a separate process, on a site with a
database server that can be restarted (see `database_server`):

        cd BENCH/sites && SITE=… ../env/bin/python -m crm_relations.tests.support.machine.storm RECIPIENTS KILLS LOSSES ABSENCES SEED SERVER
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import frappe
from aiosmtpd.controller import Controller
from frappe.query_builder import DocType
from frappe.utils import cint

from crm_relations.campaigns import queries
from crm_relations.campaigns.sends import store
from crm_relations.tests.conftest import BENCH_DIR, SITE
from crm_relations.tests.support.machine.database_server import DatabaseServer
from crm_relations.tests.support.mailing import Mailing, ScriptedSink

#: codes by which MariaDB's client reports a lost server: connection refused, lost, killed, server shut down
AWAY = (2002, 2003, 2006, 2013, 1053, 1927, 0)
#: seconds after which a storm without progress is stopped
PATIENCE = 1800


class PostOffice(ScriptedSink):
	"""A mail server that can stop: one address in ten is unknown, another one in ten must wait."""

	def __init__(self) -> None:
		super().__init__()
		self.transports = set()
		self.controller: Controller | None = None

	def refuse(self, mailing: Mailing, number: int) -> None:
		for at in range(0, number, 10):
			self.at_rcpt[mailing.address(at)] = ["550 no such user"]
		for at in range(5, number, 10):
			self.at_data[mailing.address(at)] = ["451 later"]

	async def handle_EHLO(self, server, session, envelope, hostname, responses):
		self.transports.add(server.transport)
		return await super().handle_EHLO(server, session, envelope, hostname, responses)

	def open(self) -> None:
		self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
		self.controller.start()

	def close(self) -> None:
		"""Close as a machine does that is switched off: sessions break at any point."""
		if self.controller:
			for transport in self.transports:
				self.controller.loop.call_soon_threadsafe(transport.abort)
			self.transports.clear()
			self.controller.stop()
			self.controller = None


@dataclass
class Storm:
	"""Run a campaign under failures.

	:param lose_database: stops and restarts the database, or cuts its connections
	"""

	mailing: Mailing
	post: PostOffice
	campaign: str
	seed: int
	kills: int
	losses: int
	absences: int
	lose_database: Callable[[], None]
	workers: int = 2
	happened: Counter = field(default_factory=Counter)
	#: output of workers that ended by another error than a lost database
	errors: list[str] = field(default_factory=list)
	_processes: list[subprocess.Popen] = field(default_factory=list)

	def run(self) -> None:
		self.draw = random.Random(self.seed)
		events = self._drawn()
		end = time.monotonic() + PATIENCE
		try:
			while events or self._pending():
				if time.monotonic() > end:
					raise AssertionError(f"{len(events)} events to come, {self._pending()} messages pending")
				self._keep_working()
				if events and (len(self.post.recipients()) >= events[0][0] or not self._pending()):
					self._let_happen(events.pop(0)[1])
				time.sleep(0.005)
		finally:
			for process in self._processes:
				process.kill()
				process.communicate()

	def _drawn(self) -> list[tuple[int, str]]:
		"""Return (messages in the sink, failure) pairs, none after nine tenths of the messages that arrive."""
		last = len(self.mailing.relations) * 0.9 * 0.9
		kinds = ["kill"] * self.kills + ["loss"] * self.losses + ["absence"] * self.absences + ["slow"] * 3
		return sorted((int(self.draw.random() * last), kind) for kind in kinds)

	def _let_happen(self, kind: str) -> None:
		if kind == "kill":
			if not self._kill():
				return
		elif kind == "loss":
			self.lose_database()
			_reconnect()
		elif kind == "absence":
			self.post.close()
			time.sleep(self.draw.random())
			self.post.open()
		else:
			self.post.delay = 0.05
			time.sleep(self.draw.random())
			self.post.delay = 0
		self.happened[kind] += 1

	def _kill(self) -> bool:
		"""Send SIGKILL to a worker that holds rows; return False if all messages are sent already."""
		end = time.monotonic() + 60
		while time.monotonic() < end:
			if not self._pending():
				return False
			self._keep_working()
			frappe.db.rollback()
			holding = {int(worker.split("/")[1]) for worker, _at in store.holders(self.campaign)}
			alive = [process for process in self._processes if process.pid in holding]
			if alive:
				victim = self.draw.choice(alive)
				time.sleep(self.draw.random() * 0.03)
				victim.kill()
				victim.communicate()
				self._processes.remove(victim)
				return True
			time.sleep(0.01)
		raise AssertionError("no worker at work in a minute")

	def _keep_working(self) -> None:
		for process in [process for process in self._processes if process.poll() is not None]:
			self._processes.remove(process)
			told = process.communicate()[1]
			if process.returncode and not any(f"({code}, " in told for code in AWAY):
				self.errors.append(told[-2000:])
		if len(self._processes) < self.workers and self._pending():
			self._forget_waits()
			self._processes.append(sending(self.campaign))

	def _pending(self) -> int:
		frappe.db.rollback()
		status = queries.status(self.campaign)
		return status["pending"] + status["sending"]

	def _forget_waits(self) -> None:
		"""End the pause after a temporary refusal."""
		table = DocType(store.SEND)
		mine = (table.campaign == self.campaign) & table.retry_at.isnotnull() & table.worker.isnull()
		frappe.qb.update(table).set(table.retry_at, None).where(mine).run()
		frappe.db.commit()


def process(code: str, **streams) -> subprocess.Popen:
	"""Run Python code on the site of this process, in a separate process."""
	prelude = f"import frappe\nfrappe.init(site={SITE!r}, sites_path='.')\nfrappe.connect()\n"
	return subprocess.Popen(
		[sys.executable, "-c", prelude + code],
		cwd=os.path.join(BENCH_DIR, "sites"),
		stderr=subprocess.PIPE,
		text=True,
		**streams,
	)


def sending(campaign: str) -> subprocess.Popen:
	return process(f"from crm_relations.campaigns.email import dispatch\ndispatch.send({campaign!r})")


def cut_connections() -> None:
	"""Cut all other connections to the site's database."""
	connections = frappe.db.sql(
		"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID != CONNECTION_ID()"
	)
	for (connection,) in connections:
		try:
			frappe.db.sql("KILL CONNECTION %s", (connection,))
		except frappe.db.OperationalError as e:
			if e.args[0] != 1094:  # the connection may have ended in the meantime
				raise


def _reconnect() -> None:
	try:
		frappe.db.rollback()
		frappe.db.sql("SELECT 1")
	except Exception as e:
		if not (isinstance(e, frappe.db.OperationalError) or frappe.db.is_interface_error(e)):
			raise
		frappe.db.close()
		frappe.db.connect()


def agree(mailing: Mailing, campaign: str, got: list[str]) -> set[str]:
	"""Check that sink, ledger and members agree, and return the addresses of uncertain messages."""
	frappe.db.rollback()
	states = mailing.states(campaign)
	status = queries.status(campaign)
	assert len(got) == len(set(got)), "nothing twice"
	assert len(states) == status["members"], "a row for each member"
	assert mailing.balanced(campaign), "each member is accounted for, once"
	uncertain = {address for address, state in states.items() if state == "Uncertain"}
	sent = {address for address, state in states.items() if state == "Sent"}
	assert sent <= set(got), "what counts as sent has arrived"
	assert set(got) - sent <= uncertain, "what has arrived counts as sent, or is uncertain"
	assert not mailing.rows(campaign, worker=["is", "set"], state=["in", ["Pending", "Sending"]])
	filed = frappe.get_all(
		"Communication",
		{"reference_name": ["in", mailing.relations], "delivery_status": ["!=", "Error"]},
		["recipients"],
		order_by="name asc",
	)
	in_files = Counter(row.recipients for row in filed)
	assert not in_files - Counter(sent | uncertain), "no mail in the files that has not left"
	assert not Counter(sent | uncertain) - in_files, "a mail each in the files"
	listed = queries.uncertain(campaign, limit=len(uncertain) + 1)
	assert {row.recipient for row in listed} == uncertain, "uncertain ones are shown"
	return uncertain


def weather(
	recipients: int, kills: int, losses: int, absences: int, seed: int, lose_database: Callable[[], None]
) -> dict:
	"""Run a storm from start to end, check it, and return the failures and the state of the messages."""
	mailing, post = Mailing(), PostOffice()
	began = time.monotonic()
	try:
		mailing.crowd(recipients)
		mailing.open_account(post.port)
		post.refuse(mailing, recipients)
		campaign = mailing.started()
		post.open()
		made = time.monotonic() - began
		storm = Storm(mailing, post, campaign, seed, kills, losses, absences, lose_database)
		storm.run()
		got = post.recipients()
		uncertain = agree(mailing, campaign, got)
		status = queries.status(campaign)
		return {
			"seed": seed,
			**storm.happened,
			"recipients": recipients,
			"in the sink": len(got),
			"sent": status["sent"],
			"failed": status["failed"],
			"uncertain": len(uncertain),
			"uncertain and arrived": len(uncertain & set(got)),
			"seconds to make": round(made),
			"seconds": round(time.monotonic() - began - made),
			"load": os.getloadavg()[1],
			"errors": storm.errors,
		}
	finally:
		post.close()
		mailing.remove()


def main(*arguments: str) -> None:
	*numbers, folder = arguments
	server = DatabaseServer(folder)
	frappe.init(site=SITE, sites_path=".")
	frappe.connect()
	frappe.flags.in_test = True
	try:
		print(json.dumps(weather(*map(cint, numbers), server.restart)))
	finally:
		frappe.destroy()


if __name__ == "__main__":
	main(*sys.argv[1:])
