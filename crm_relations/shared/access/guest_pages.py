"""What the pages for guests have in common: no cache, no menu, the language of the person, who asks."""

from typing import Any

import frappe
from frappe import _


def prepare(context: Any, language: str | None = None) -> None:
	"""A page behind a secret link: kept by nobody, found by no search engine, telling its address to no other site."""
	context.no_cache = context.no_header = context.no_breadcrumbs = 1
	context.hide_footer_signup = context.hide_login = 1
	context.csrf = frappe.session.data.csrf_token or ""  # for a colleague who tries it while logged in
	context.privacy_url = frappe.get_cached_doc("Relation Settings").privacy_url or ""
	if language:
		speak(context, language)


def speak(context: Any, language: str) -> None:
	"""The rest of the page is in this language."""
	frappe.local.lang = context.lang = language
	if context.get("boot"):
		context.boot["lang"] = language


def is_post() -> bool:
	return frappe.request.method == "POST"


def ip() -> str | None:
	"""Address of the guest, as Frappe reads it behind its proxy."""
	return frappe.local.request_ip


def count_request(page: str, limit: int, seconds: int) -> None:
	"""Count a request of this guest on a page; too many of them are refused.

	Each page counts apart: what a scanner opens must keep no one in its network from unsubscribing. Frappe's own
	decorator counts by the value of `cmd`, which anybody can choose (version 16), and together for all pages.

	:param seconds: length of the time in which `limit` requests are answered
	:raises frappe.RateLimitExceededError: there were more
	"""
	key = frappe.cache.make_key(f"relation_guest:{page}:{ip()}")
	frappe.cache.set(key, 0, ex=seconds, nx=True)
	if frappe.cache.incrby(key, 1) > limit:
		frappe.throw(_("Too many requests. Please try again later."), frappe.RateLimitExceededError)
