"""How fast a campaign's messages are built and handed over to the mail server.

Ours: `delivery.send` over a campaign, with all that belongs to it: consent of each recipient, the row of the send
ledger, the Communication in the customer file, merge fields, signed links, one commit a message before it leaves.

Peer: `frappe.sendmail` for each recipient with the same text, then `frappe.email.queue.flush` until the queue is
empty: neither consent nor links nor a Communication. Bar: ours takes at most a tenth of its time a message.

Then: two workers against one (bar: 1.7 times as many messages a second, on two processors that are free), and the
memory of a worker with many recipients against one with 1,000.

The sink is `smtp-sink` of Debian's package postfix: on the PATH, or named by `SMTP_SINK`. Everything is committed, and
taken away at the end.

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
from statistics import median

import frappe
import mailing_data as data
from frappe.email import queue
from measuring import Clock, connected_site

from crm_relations.campaigns import audience, delivery

BAR = 0.1
WORKERS_BAR = 1 / 1.7
MEMORY_BAR = 1.1


@contextmanager
def sink() -> Iterator[int]:
	"""A running smtp-sink that throws everything away; yields its port."""
	program = os.environ.get("SMTP_SINK") or shutil.which("smtp-sink")
	if not program:
		sys.exit("smtp-sink is needed: install Debian's package postfix, or name it in SMTP_SINK.")
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		port = free.getsockname()[1]
	process = subprocess.Popen(
		[program, *(["-u", "nobody"] if os.geteuid() == 0 else []), "-c", f"127.0.0.1:{port}", "1000"],
		stdout=subprocess.DEVNULL,
	)
	try:
		_wait_for(port)
		yield port
	finally:
		process.terminate()
		process.wait(10)


def _wait_for(port: int) -> None:
	for _try in range(100):
		try:
			socket.create_connection(("127.0.0.1", port), 1).close()
			return
		except OSError:
			time.sleep(0.05)
	sys.exit("smtp-sink does not answer.")


class Watch:
	"""Seconds on the wall, and those of the processor (Python and the database's thread; see `measuring.Clock`)."""

	def __init__(self) -> None:
		self.clock = Clock.of_connection()
		self.wall, self.spent = time.perf_counter(), self.clock.read()

	def per_message(self, number: int) -> tuple[float, float]:
		return (time.perf_counter() - self.wall) / number, (self.clock.read() - self.spent) / number


def ours() -> tuple[float, float]:
	"""Seconds a message of one worker, in this process: on the wall, of the processor."""
	name = data.campaign()
	members = audience.start(name)["members"]
	frappe.db.commit()
	watch = Watch()
	result = delivery.send(name)
	seconds = watch.per_message(members)
	if result["sent"] != members:
		sys.exit(f"Not all messages were sent: {result}")
	return seconds


def peer(number: int) -> tuple[float, float]:
	"""The same of frappe.sendmail and the flush of the queue."""
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


def workers(number: int) -> tuple[float, int]:
	"""Messages a second of so many processes, from the first one's start to the last one's end, and the largest
	peak of memory in MB."""
	name = data.campaign()
	members = audience.start(name)["members"]
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
	for process in processes:
		process.stdin.write("\n")
		process.stdin.flush()
	told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
	sent = sum(one["sent"] for one in told)
	frappe.db.rollback()
	if sent != members:
		sys.exit(f"{number} workers have sent {sent} of {members}.")
	seconds = max(one["end"] for one in told) - min(one["start"] for one in told)
	return members / seconds, max(one["memory"] for one in told)


def work(name: str) -> None:
	"""A worker in a process of its own."""
	print("connected", flush=True)
	sys.stdin.readline()
	start = time.time()
	sent = delivery.send(name)["sent"]
	memory = peak_memory()
	print(json.dumps({"start": start, "end": time.time(), "sent": sent, "memory": memory}), flush=True)


def peak_memory() -> int:
	"""Peak of resident memory of this program in MB. Not by getrusage: its figure begins with that of the parent."""
	with open("/proc/self/status") as file:
		return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def main() -> None:
	parser = argparse.ArgumentParser()
	parser.add_argument("--number", type=int, default=10_000, help="recipients of a campaign")
	parser.add_argument("--peer", type=int, default=500, help="messages of the peer")
	parser.add_argument(
		"--memory", type=int, default=100_000, help="recipients for the memory; 0: not measured"
	)
	parser.add_argument("--rounds", type=int, default=3)
	parser.add_argument("--worker", help=argparse.SUPPRESS)
	arguments = parser.parse_args()
	with connected_site():
		if arguments.worker:
			return work(arguments.worker)
		with sink() as port:
			try:
				report(measure(port, arguments))
			finally:
				frappe.db.rollback()
				data.remove()


def measure(port: int, arguments: argparse.Namespace) -> list[dict]:
	data.load(arguments.number)
	data.open_account(port)
	one, other, both = [], [], []
	for number in range(arguments.rounds):
		functions = [lambda: one.append(ours()), lambda: other.append(peer(arguments.peer))]
		for function in functions if number % 2 else reversed(functions):
			function()
	alone = []
	for _number in range(arguments.rounds):
		alone.append(workers(1)[0])
		both.append(workers(2)[0])
	rows = [
		*(
			row(
				f"seconds a message, {clock}: ours, sendmail and flush",
				median(seconds[index] for seconds in one),
				median(seconds[index] for seconds in other),
				BAR,
			)
			for index, clock in enumerate(("on the wall", Clock.of_connection().name))
		),
		row("seconds a message: two workers, one", 1 / median(both), 1 / median(alone), WORKERS_BAR),
	]
	if arguments.memory:
		data.load(1_000)
		data.open_account(port)
		small = workers(1)[1]
		data.load(arguments.memory)
		data.open_account(port)
		large = workers(1)[1]
		rows.append(row(f"peak memory in MB: {arguments.memory} recipients, 1,000", large, small, MEMORY_BAR))
	return rows


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
