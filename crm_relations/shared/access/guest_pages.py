"""Share what all pages for guests need: no cache, no menu, the guest's language and address."""

from typing import Any

import frappe
from frappe import _


def prepare(context: Any, language: str | None = None) -> None:
	"""Set the headers of a page behind a secret link: no cache, no search engine, no referrer for other
	sites.
	"""
	context.no_cache = context.no_header = context.no_breadcrumbs = 1
	context.hide_footer_signup = context.hide_login = 1
	context.csrf = frappe.session.data.csrf_token or ""  # for a colleague that tries it while logged in
	context.privacy_url = frappe.get_cached_doc("Relation Settings").privacy_url or ""
	if language:
		speak(context, language)


def speak(context: Any, language: str) -> None:
	"""Switch the rest of the page to this language."""
	frappe.local.lang = context.lang = language
	if context.get("boot"):
		context.boot["lang"] = language


def is_post() -> bool:
	return frappe.request.method == "POST"


def ip() -> str | None:
	"""Return the address of the guest, as Frappe reads it behind its proxy."""
	return frappe.local.request_ip


def count_request(page: str, limit: int, seconds: int) -> None:
	"""Count a request of this guest on a page, and refuse it if there are too many.

	Each page has its own counter: links that a scanner opens must not keep its network from unsubscribing.
	Frappe's own decorator is not used. It counts by the value of `cmd`, which any caller can choose (version
	16), and for all pages together.

	:param seconds: length of the time in which `limit` requests are answered
	:raises frappe.RateLimitExceededError: there were more
	"""
	key = frappe.cache.make_key(f"relation_guest:{page}:{ip()}")
	frappe.cache.set(key, 0, ex=seconds, nx=True)
	if frappe.cache.incrby(key, 1) > limit:
		frappe.throw(_("Too many requests. Please try again later."), frappe.RateLimitExceededError)
