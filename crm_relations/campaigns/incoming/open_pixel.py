"""Serve the picture that measures opens, /ri/<token>.<signature>: one transparent pixel for every request.
Writes no record itself; `clicks` records the open.

It has a custom renderer: a page of the website would cost many times more for 43 bytes.
"""

import base64
from typing import Any

import frappe
from frappe.website.page_renderers.base_renderer import BaseRenderer
from werkzeug.wrappers import Response

from crm_relations.campaigns.incoming import clicks
from crm_relations.shared.access import guest_pages

_PATH = "ri/"
_POINT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Pixel(BaseRenderer):
	"""Answers with the picture, and has the open recorded if the address is valid."""

	def can_render(self) -> bool:
		return (self.path or "").startswith(_PATH)

	def render(self) -> Response:
		try:
			if _opened(self.path[len(_PATH) :]):
				frappe.local.flags.commit = True  # a GET is rolled back otherwise
		except frappe.RateLimitExceededError:
			frappe.db.rollback()  # the reader gets the picture even then
		headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
		return Response(_POINT, mimetype="image/gif", headers=headers)


def _opened(value: str) -> Any:
	guest_pages.count_request("ri", limit=300, seconds=60)
	return clicks.opened(value, frappe.request.method, frappe.request.headers)
