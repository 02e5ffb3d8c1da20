"""Run real servers for the tests: the desk of the test site, a worker, an SMTP sink. Each ends with its test.

The Redis for background jobs ends with the test run.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import redis

from crm_relations.tests.conftest import BENCH_DIR, SITE


def free_port() -> int:
	with socket.socket() as sock:
		sock.bind(("127.0.0.1", 0))
		return sock.getsockname()[1]


#: address of the Redis that `open_queue` has started
_queue = ""


def open_queue() -> subprocess.Popen | None:
	"""Start a Redis for the background jobs of this run.

	No worker of the bench takes a job of a test, and no worker of a test takes a job of another site. Frappe
	reads the address from a variable. Without `redis-server` the bench's own Redis is used. The server ends
	when its standard input is closed, also if this process is killed.
	"""
	global _queue
	program = shutil.which("redis-server")
	if not program:
		return None
	port = free_port()
	options = (
		"--port",
		str(port),
		"--bind",
		"127.0.0.1",
		"--save",
		"",
		"--appendonly",
		"no",
		"--dir",
		"/tmp",
	)
	process = subprocess.Popen(
		["sh", "-c", '"$@" & read -r _; kill $!; wait', "sh", program, *options],
		stdin=subprocess.PIPE,
		stdout=subprocess.DEVNULL,
		start_new_session=True,
	)
	_queue = os.environ["FRAPPE_REDIS_QUEUE"] = f"redis://127.0.0.1:{port}"
	wait_for(_queue_answers, 20, "the Redis for background jobs")
	return process


def _queue_answers() -> bool:
	try:
		return redis.from_url(_queue).ping()
	except redis.ConnectionError:
		return False


def empty_queue() -> None:
	"""Remove the jobs that earlier tests have queued, which no worker is meant to run."""
	if _queue:
		redis.from_url(_queue).flushdb()


def chromium() -> str | None:
	"""Return the path of the browser: `CHROMIUM`, or the distribution's."""
	return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def frappe_process(*arguments: str) -> subprocess.Popen:
	"""Run a command of the bench on the test site, in its own process group."""
	return subprocess.Popen(
		[sys.executable, "-m", "frappe.utils.bench_helper", "frappe", "--site", SITE, *arguments],
		cwd=os.path.join(BENCH_DIR, "sites"),
		env={**os.environ, "PYTHONUNBUFFERED": "1"},
		stdout=subprocess.DEVNULL,
		stderr=subprocess.DEVNULL,
		start_new_session=True,
	)


def stop(process: subprocess.Popen) -> None:
	if process.poll() is None:
		os.killpg(process.pid, 15)
		try:
			process.wait(20)
		except subprocess.TimeoutExpired:
			os.killpg(process.pid, 9)
			process.wait(20)


@contextmanager
def desk() -> Iterator[str]:
	"""Run the web server of the test site on a free port, and yield its address."""
	port = free_port()
	process = frappe_process("serve", "--port", str(port), "--noreload")
	address = f"http://{SITE}:{port}"
	try:
		wait_for(lambda: _answers(port), 60, "the web server of the test site")
		yield address
	finally:
		stop(process)


def _answers(port: int) -> bool:
	request = urllib.request.Request(f"http://127.0.0.1:{port}/api/method/ping", headers={"Host": SITE})
	try:
		with urllib.request.urlopen(request, timeout=5) as answer:
			return answer.status == 200
	except (urllib.error.URLError, OSError):
		return False


@contextmanager
def worker() -> Iterator[subprocess.Popen]:
	"""Run a background worker for all queues of the bench."""
	process = frappe_process("worker", "--queue", "long,default,short")
	try:
		yield process
	finally:
		stop(process)


def wait_for(condition, seconds: float, what: str) -> None:
	"""Poll until `condition()` is true; fail with `what` after `seconds`."""
	end = time.monotonic() + seconds
	while not condition():
		if time.monotonic() > end:
			raise AssertionError(f"waited {seconds} s for {what}")
		time.sleep(0.2)


class Sink:
	"""An SMTP server that keeps what it receives, byte by byte. It accepts a message after `delay` seconds."""

	def __init__(self, delay: float = 0.0) -> None:
		self.port = free_port()
		self.delay = delay
		self.messages: list[tuple[list[str], bytes]] = []
		self._lock = threading.Lock()

	async def handle_DATA(self, server, session, envelope):
		if self.delay:
			import asyncio

			await asyncio.sleep(self.delay)
		with self._lock:
			self.messages.append((list(envelope.rcpt_tos), envelope.content))
		return "250 accepted"

	def recipients(self) -> list[str]:
		with self._lock:
			return [address for addresses, _message in self.messages for address in addresses]


@contextmanager
def smtp_sink(delay: float = 0.0) -> Iterator[Sink]:
	"""Run a sink on a free port of the loopback interface."""
	from aiosmtpd.controller import Controller

	sink = Sink(delay)
	controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
	controller.start()
	try:
		yield sink
	finally:
		controller.stop()


def kill_with_children(process: subprocess.Popen) -> None:
	"""Send SIGKILL to a worker and to the process that it has forked for its job."""
	whole = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
	for one in whole:
		one.kill()
	process.wait(30)
	psutil.wait_procs(whole, 30)
