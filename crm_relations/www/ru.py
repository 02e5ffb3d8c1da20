"""Guest page /ru/<token>: unsubscribe from campaign emails.

A GET only shows a button, because scanners open every link of an email. A POST acts. It comes from the
button, or from a mail program by RFC 8058 (`List-Unsubscribe=One-Click`) without cookie and session.
"""

import frappe

from crm_relations.campaigns.incoming import clicks
from crm_relations.shared.access import guest_pages

no_cache = 1
sitemap = 0


def get_context(context):
	"""Set `row`, None for a link that is not ours (404), and after a POST `done`."""
	row = _row(frappe.form_dict.get("token"))
	guest_pages.prepare(context, row and row.language)
	context.row = row
	context.done = bool(row) and guest_pages.is_post()
	if not row:
		context.http_status_code = 404
	elif context.done:
		clicks.unsubscribe(row, proof=_proof())
	return context


def _row(token: str | None):
	"""Return the row of the link. Only guesses are counted: every owner of a link may unsubscribe, even from
	a busy network.
	"""
	row = clicks.find(token)
	if not row:
		guest_pages.count_request("ru", limit=300, seconds=60)
	return row


def _proof() -> str:
	"""Return how the objection came: by one click in a mail program, or by the button."""
	one_click = frappe.form_dict.get("List-Unsubscribe") == "One-Click"
	return "List-Unsubscribe=One-Click (RFC 8058)" if one_click else "Button on the unsubscribe page"
