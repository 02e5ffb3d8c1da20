"""Run a mail server that takes N milliseconds for each message and discards it, with any number of sessions
at once.

	python benchmarks/slow_sink.py PORT MILLISECONDS
"""

import asyncio
import sys


class Session(asyncio.Protocol):
	"""One connection: a packet may contain several commands (PIPELINING, RFC 2920)."""

	def __init__(self, seconds: float) -> None:
		self.seconds = seconds
		self.received = b""
		self.in_text = False

	def connection_made(self, transport: asyncio.BaseTransport) -> None:
		self.transport = transport
		self.answer("220 slow sink")

	def data_received(self, data: bytes) -> None:
		self.received += data
		while not self.in_text and b"\r\n" in self.received:
			line, _end, self.received = self.received.partition(b"\r\n")
			self.command(line[:4].upper())
		if self.in_text and self.received.endswith(b"\r\n.\r\n"):
			self.received, self.in_text = b"", False
			asyncio.get_running_loop().call_later(self.seconds, self.answer, "250 accepted")

	def command(self, verb: bytes) -> None:
		if verb == b"EHLO":
			self.answer("250-slow sink\r\n250 PIPELINING")
		elif verb == b"DATA":
			self.in_text = True
			self.answer("354 go on")
		elif verb == b"QUIT":
			self.answer("221 bye")
			self.transport.close()
		else:
			self.answer("250 ok")

	def answer(self, text: str) -> None:
		self.transport.write(text.encode() + b"\r\n")


async def main(port: int, seconds: float) -> None:
	server = await asyncio.get_running_loop().create_server(lambda: Session(seconds), "127.0.0.1", port)
	await server.serve_forever()


if __name__ == "__main__":
	asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]) / 1000))
