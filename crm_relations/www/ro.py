"""Guest page /ro/<request>.<signature>: confirm a consent (double opt-in). A GET only shows, a POST confirms."""

import frappe

from crm_relations.campaigns.consents import opt_in
from crm_relations.shared.access import guest_pages

no_cache = 1
sitemap = 0


def get_context(context):
	"""Set `state`: Waiting, Confirmed or Expired; None for a link that is not ours (404)."""
	context.token = frappe.form_dict.get("token")
	row = _row(context.token)
	guest_pages.prepare(context, row and row.language)
	context.row, context.state = row, row and row.state
	if not row:
		context.http_status_code = 404
		return context
	if row.state == "Waiting" and guest_pages.is_post():
		context.state = opt_in.confirm(row.name, guest_pages.ip())
	context.declarations = (row.declaration or "").split("\n\n")
	return context


def _row(token: str | None):
	"""Return the row of the request. Only guesses are counted."""
	row = opt_in.find(token)
	if not row:
		guest_pages.count_request("ro", limit=300, seconds=60)
	return row
