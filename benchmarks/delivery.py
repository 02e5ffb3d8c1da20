"""Measure how fast a campaign's emails are composed and delivered to the mail server.

Ours: the delivery of a campaign with all its steps. These are the consent of each recipient, the send, the
Communication in the customer file, merge fields, signed links, and one commit for each message before it
leaves.

Peer: `frappe.sendmail` for each recipient with the same text, then `frappe.email.queue.flush` until the queue
is empty, without consent, links or Communication. Bar: ours takes at most a tenth of its time for each
message.

Then: two workers against one (bar: 1.7 times as many messages a second). The first sink shares the processors
of this machine. The second is a mail server that takes some milliseconds for a message, as real ones do
(`slow_sink.py`). The report shows the processor time of workers, database and sink, and the time that workers
waited for each other's row locks. Last, the memory of a worker with many recipients is compared with that of
one with 1,000.

The sink is `smtp-sink` of Debian's package postfix: on the PATH, or named by `SMTP_SINK`. Everything is
committed, and removed at the end.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/delivery.py
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import frappe
import mailing_data as data
import psutil
from frappe.email import queue
from frappe.utils import cint
from measuring import Clock, connected_site

from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment

BAR = 0.1
WORKERS_BAR = 1 / 1.7
MEMORY_BAR = 1.1


@contextmanager
def sink(milliseconds: int = 0) -> Iterator[int]:
	"""Run a mail server that discards all messages, and yield its port.

	It is smtp-sink, or a server that waits this number of milliseconds for each message.
	"""
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		port = free.getsockname()[1]
	process = subprocess.Popen(_sink_command(port, milliseconds), stdout=subprocess.DEVNULL)
	try:
		_wait_for(port)
		yield port
	finally:
		process.terminate()
		process.wait(10)


def _sink_command(port: int, milliseconds: int) -> list[str]:
	if milliseconds:
		slow = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slow_sink.py")
		return [sys.executable, slow, str(port), str(milliseconds)]
	program = os.environ.get("SMTP_SINK") or shutil.which("smtp-sink")
	if not program:
		sys.exit("smtp-sink is needed: install Debian's package postfix, or name it in SMTP_SINK.")
	return [
		program,
		*(["-u", "nobody"] if os.geteuid() == 0 else []),
		"-c",
		f"127.0.0.1:{port}",
		"1000",
	]


def _wait_for(port: int) -> None:
	for _try in range(100):
		try:
			socket.create_connection(("127.0.0.1", port), 1).close()
			return
		except OSError:
			time.sleep(0.05)
	sys.exit("smtp-sink does not answer.")


class Watch:
	"""Wall-clock seconds, and processor seconds (Python and the database's thread; see `measuring.Clock`)."""

	def __init__(self) -> None:
		self.clock = Clock.of_connection()
		self.wall, self.spent = time.perf_counter(), self.clock.read()

	def per_message(self, number: int) -> tuple[float, float]:
		return (time.perf_counter() - self.wall) / number, (self.clock.read() - self.spent) / number


def ours() -> tuple[float, float]:
	"""Return the seconds that one worker in this process takes for a message: wall-clock and processor time."""
	name = data.campaign()
	members = enrollment.start(name)["members"]
	frappe.db.commit()
	watch = Watch()
	result = dispatch.send(name)
	seconds = watch.per_message(members)
	if result["sent"] != members:
		sys.exit(f"Not all messages were sent: {result}")
	return seconds


def peer(number: int) -> tuple[float, float]:
	"""Return the same of `frappe.sendmail` and the flush of the queue."""
	if frappe.db.count("Email Queue", {"status": ["in", ["Not Sent", "Partially Sent"]]}):
		sys.exit("The Email Queue of the site is not empty; flush it first.")
	watch = Watch()
	for i in range(number):
		message = data.MESSAGE.replace("{{ salutation }} {{ last_name }}", f"Muster{i}")
		frappe.sendmail(
			recipients=[data.address(i)],
			sender=f"marketing@{data.DOMAIN}",
			subject="Für Anna",
			message=message,
		)
		frappe.db.commit()
	while frappe.db.count("Email Queue", {"status": "Not Sent"}):
		queue.flush()
	seconds = watch.per_message(number)
	names = frappe.get_all("Email Queue", {"sender": ["like", f"%{data.DOMAIN}%"]}, ["name", "status"])
	sent = sum(row.status == "Sent" for row in names)
	for doctype, field in (("Email Queue Recipient", "parent"), ("Email Queue", "name")):
		frappe.db.delete(doctype, {field: ["in", [row.name for row in names]]})
	frappe.db.commit()
	if sent != number:
		sys.exit(f"The peer has sent {sent} of {number}.")
	return seconds


@dataclass
class Work:
	"""The result of several workers, from the first start to the last end."""

	messages: int
	seconds: float
	#: highest peak of a worker's resident memory in MB
	memory: int
	#: processor seconds by program; those of the database are of the whole server
	spent: dict[str, float]
	#: milliseconds of lock waits between transactions of the whole server, and their number
	waited: tuple[float, int]

	@property
	def each(self) -> float:
		"""Return the wall-clock seconds for each message."""
		return self.seconds / self.messages

	def describe(self, number: int) -> str:
		spent = ", ".join(f"{name} {1000 * value / self.messages:.3f}" for name, value in self.spent.items())
		processors = sum(self.spent.values()) / self.seconds
		return (
			f"{number} worker(s): {self.messages / self.seconds:.0f} messages a second; processor ms a message: {spent}; "
			f"processors in use {processors:.2f} of {os.cpu_count()}; waits for rows: {self.waited[1]}, "
			f"{self.waited[0] / self.messages:.4f} ms a message; load {os.getloadavg()[0]:.1f}"
		)


def workers(number: int, port: int) -> Work:
	"""Send a campaign with this number of processes."""
	name = data.campaign()
	members = enrollment.start(name)["members"]
	frappe.db.commit()
	processes = [
		subprocess.Popen(
			[sys.executable, os.path.abspath(__file__), "--worker", name],
			stdin=subprocess.PIPE,
			stdout=subprocess.PIPE,
			text=True,
		)
		for _number in range(number)
	]
	for process in processes:
		process.stdout.readline()  # connected
	before, waited_before = spent_elsewhere(port), waits()
	for process in processes:
		process.stdin.write("\n")
		process.stdin.flush()
	told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
	frappe.db.rollback()
	after, waited_after = spent_elsewhere(port), waits()
	sent = sum(one["sent"] for one in told)
	if sent != members:
		sys.exit(f"{number} workers have sent {sent} of {members}.")
	return Work(
		messages=members,
		seconds=max(one["end"] for one in told) - min(one["start"] for one in told),
		memory=max(one["memory"] for one in told),
		spent={
			"workers": sum(one["spent"] for one in told),
			**{name: after[name] - before[name] for name in after},
		},
		waited=(waited_after[0] - waited_before[0], waited_after[1] - waited_before[1]),
	)


def work(name: str) -> None:
	"""Run a worker in a separate process."""
	print("connected", flush=True)
	sys.stdin.readline()
	start, spent = time.time(), time.process_time()
	sent = dispatch.send(name)["sent"]
	told = {"start": start, "end": time.time(), "sent": sent, "spent": time.process_time() - spent}
	print(json.dumps({**told, "memory": peak_memory()}), flush=True)


def peak_memory() -> int:
	"""Return the peak of this program's resident memory in MB.

	`getrusage` is not used, because its figure begins with that of the parent.
	"""
	with open("/proc/self/status") as file:
		return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def spent_elsewhere(port: int) -> dict[str, float]:
	"""Return the processor seconds of the database and of the mail server on this port so far, if they are
	readable.
	"""
	found = {}
	listening = {"database": cint(frappe.conf.db_port) or 3306, "mail server": port}
	for process in psutil.process_iter(["cmdline", "cpu_times"]):
		command = process.info["cmdline"] or [""]
		if "mariadbd" in command[0] or "mysqld" in command[0]:
			known = f"--port={listening['database']}" in command or not any(
				"--port=" in one for one in command
			)
			if known:
				found["database"] = sum(process.info["cpu_times"][:2])
		elif any(one == str(port) or one.endswith(f":{port}") for one in command):
			found["mail server"] = sum(process.info["cpu_times"][:2])
	return found


def waits() -> tuple[float, int]:
	"""Return the milliseconds and the number of waits for locked rows, on the whole server."""
	status = dict(frappe.db.sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock%'"))
	return float(status["Innodb_row_lock_time"]), int(status["Innodb_row_lock_waits"])


def main() -> None:
	parser = argparse.ArgumentParser()
	parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS, help="what is measured")
	parser.add_argument("--number", type=int, default=10_000, help="recipients of a campaign")
	parser.add_argument("--peer", type=int, default=500, help="messages of the peer")
	parser.add_argument("--memory", type=int, nargs="+", default=[10_000, 100_000], help="recipients")
	parser.add_argument("--rounds", type=int, default=3)
	parser.add_argument("--milliseconds", type=int, default=20, help="that the slow mail server takes")
	parser.add_argument("--worker", help=argparse.SUPPRESS)
	arguments = parser.parse_args()
	with connected_site():
		if arguments.worker:
			return work(arguments.worker)
		try:
			report([found for part in arguments.part for found in PARTS[part](arguments)])
		finally:
			frappe.db.rollback()
			data.remove()


def against_the_peer(arguments: argparse.Namespace) -> list[dict]:
	one, other = [], []
	with sink() as port:
		data.load(arguments.number)
		data.open_account(port)
		for number in range(arguments.rounds):
			functions = [lambda: one.append(ours()), lambda: other.append(peer(arguments.peer))]
			for function in functions if number % 2 else reversed(functions):
				function()
	return [
		row(
			f"seconds a message, {clock}: ours, sendmail and flush",
			median(seconds[index] for seconds in one),
			median(seconds[index] for seconds in other),
			BAR,
		)
		for index, clock in enumerate(("on the wall", Clock.of_connection().name))
	]


def two_against_one(arguments: argparse.Namespace) -> list[dict]:
	return _two_against_one(arguments, 0)


def two_against_one_into_a_slow_server(arguments: argparse.Namespace) -> list[dict]:
	return _two_against_one(arguments, arguments.milliseconds)


def _two_against_one(arguments: argparse.Namespace, milliseconds: int) -> list[dict]:
	alone, both = [], []
	with sink(milliseconds) as port:
		data.load(arguments.number)
		data.open_account(port)
		for _number in range(arguments.rounds):
			for number, found in ((1, alone), (2, both)):
				found.append(workers(number, port))
				print(found[-1].describe(number), flush=True)
	figure = "seconds a message: two workers, one"
	if milliseconds:
		figure += f", into a server that takes {milliseconds} ms"
	return [
		row(figure, median(found.each for found in both), median(found.each for found in alone), WORKERS_BAR)
	]


def memory(arguments: argparse.Namespace) -> list[dict]:
	peaks = {}
	with sink() as port:
		for number in (1_000, *arguments.memory):
			data.load(number)
			data.open_account(port)
			done = workers(1, port)
			peaks[number] = done.memory
			print(f"{number} recipients: peak {done.memory} MB; {done.describe(1)}", flush=True)
	return [
		row(f"peak memory in MB: {number} recipients, 1,000", peaks[number], peaks[1_000], MEMORY_BAR)
		for number in arguments.memory
	]


PARTS = {
	"peer": against_the_peer,
	"workers": two_against_one,
	"slow": two_against_one_into_a_slow_server,
	"memory": memory,
}


def row(figure: str, ours: float, peer: float, bar: float) -> dict:
	return {
		"figure": figure,
		"ours": round(ours, 6),
		"peer": round(peer, 6),
		"ratio": round(ours / peer, 4),
		"bar": round(bar, 4),
	}


def report(rows: list[dict]) -> None:
	for found in rows:
		print("  ".join(f"{key} {value}" for key, value in found.items()))
	worst = max(rows, key=lambda found: found["ratio"] / found["bar"])
	print(json.dumps({**worst, "rows": rows}))


if __name__ == "__main__":
	main()
