"""Send HTTP requests as a guest of the site: without cookies or session, and without following redirects."""

import urllib.error
import urllib.parse
import urllib.request

import frappe

from crm_relations.tests.conftest import SITE

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
	def redirect_request(self, *args):
		return None


def http(desk, path, method="GET", data=None, ip=None, **headers):
	"""Return (status, Location, body) of a request.

	Each request comes from another address unless `ip` is given. Rate limits are tested elsewhere.
	"""
	url = f"http://127.0.0.1:{desk.rpartition(':')[2]}{path}"
	request = urllib.request.Request(
		url,
		method=method,
		data=urllib.parse.urlencode(data).encode() if data is not None else None,
		headers={
			"Host": SITE,
			"User-Agent": BROWSER,
			"X-Forwarded-For": ip or _address(),
			**{k.replace("_", "-"): v for k, v in headers.items()},
		},
	)
	try:
		answer = urllib.request.build_opener(_NoRedirect).open(request, timeout=60)
	except urllib.error.HTTPError as e:
		answer = e
	body = answer.read().decode("utf-8", "replace")
	frappe.db.rollback()  # a new snapshot shows what the server has written
	return answer.status, answer.headers.get("Location"), body


def asked_more(page: str, address: str, times: int) -> None:
	"""Count further requests for a page from `address`, as if it had sent them."""
	frappe.cache.incrby(frappe.cache.make_key(f"relation_guest:{page}:{address}"), times)


def path_of(url):
	return urllib.parse.urlsplit(url).path


def _address() -> str:
	head = frappe.generate_hash(length=4)
	return f"2001:db8:{head}::{frappe.generate_hash(length=4)}"
