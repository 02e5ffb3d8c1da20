"""Guest page /rc/<token>: redirect from a counted link of a campaign email to the address in the email."""

import frappe

from crm_relations.campaigns.incoming import clicks
from crm_relations.shared.access import guest_pages

no_cache = 1
sitemap = 0


def get_context(context):
	"""Redirect to the stored address and record the click, marked if it is a bot's; anything that is not our
	link is a 404.
	"""
	guest_pages.prepare(context)
	found = _target(frappe.form_dict.get("token"))
	if not found:
		context.http_status_code = 404
		return context
	row, url = found
	if clicks.click(row, url, frappe.request.method, frappe.request.headers):
		frappe.local.flags.commit = True  # a GET is rolled back otherwise
	frappe.flags.redirect_location = url
	raise frappe.Redirect(302)


# the people of one firm share an address on the internet, and a scanner opens many links at once
def _target(token: str | None):
	guest_pages.count_request("rc", limit=300, seconds=60)
	return clicks.click_target(token)
