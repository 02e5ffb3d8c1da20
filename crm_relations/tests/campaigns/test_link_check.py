"""Test that the check of links asks only the public internet, and only the exact address that it has checked."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from crm_relations.campaigns.planning import link_check

pytestmark = pytest.mark.site

LINK = '<p><a href="http://shop.example:{port}/a?b=ü">A</a></p>'


class Server(BaseHTTPRequestHandler):
	asked: list[tuple[str, str, str]] = []

	def do_HEAD(self) -> None:
		self.asked.append((self.command, self.path, self.headers["Host"]))
		self.send_response(404 if "gone" in self.path else 302)
		self.send_header("Location", "http://127.0.0.1:1/")
		self.end_headers()

	def log_message(self, *_arguments) -> None:
		pass


@pytest.fixture
def server():
	Server.asked.clear()
	running = HTTPServer(("127.0.0.1", 0), Server)
	thread = threading.Thread(target=running.serve_forever, daemon=True)
	thread.start()
	yield running.server_port
	running.shutdown()
	running.server_close()
	thread.join()


@pytest.fixture(autouse=True)
def english(monkeypatch):
	monkeypatch.setattr(link_check, "_", lambda text: text)


def answers(monkeypatch, *addresses: str) -> list[str]:
	"""Let the name server give these answers in order, and repeat the last; return the requested names."""
	asked: list[str] = []
	real = socket.getaddrinfo

	def look_up(host, port, *rest, **options):
		if host != "shop.example":
			return real(host, port, *rest, **options)
		asked.append(host)
		return real(addresses[min(len(asked), len(addresses)) - 1], port, *rest, **options)

	monkeypatch.setattr(socket, "getaddrinfo", look_up)
	return asked


@pytest.mark.parametrize(
	"address",
	[
		"127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1", "fe80::1%lo", "fd00::1",
		"::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
	],
)  # fmt: skip
def test_addresses_of_inner_networks_are_not_asked(address, monkeypatch, server):
	answers(monkeypatch, address)
	assert not list(link_check.broken(LINK.format(port=server), "https://crm.example", ask=True))
	assert not Server.asked


def test_a_public_address_is_public():
	assert link_check._is_public("93.184.215.14") and link_check._is_public("2606:4700:4700::1111")


def test_the_checked_address_is_asked_whatever_the_name_server_says_next(monkeypatch, server):
	monkeypatch.setattr(link_check, "_is_public", lambda address: address == "127.0.0.1")
	asked = answers(monkeypatch, "127.0.0.1", "169.254.169.254")
	assert not list(link_check.broken(LINK.format(port=server), "https://crm.example", ask=True))
	assert Server.asked == [("HEAD", "/a?b=%C3%BC", f"shop.example:{server}")]
	assert asked == ["shop.example"]


def test_a_link_that_is_gone_is_told(monkeypatch, server):
	monkeypatch.setattr(link_check, "_is_public", lambda _address: True)
	answers(monkeypatch, "127.0.0.1")
	text = f'<a href="http://shop.example:{server}/gone">A</a>'
	[(url, why)] = link_check.broken(text, "https://crm.example", ask=True)
	assert url.endswith("/gone") and "404" in why
