"""Guest page /rc/<token>: a counted link of a campaign mail leads on to the address that stood in the mail."""

import frappe
from frappe.rate_limiter import rate_limit

from crm_relations.campaigns import rules, tracking

no_cache = 1
sitemap = 0


def get_context(context):
	"""Redirect to the stored address and record the click; anything that is not our link is a 404."""
	context.no_cache = context.hide_footer_signup = context.hide_login = 1
	found = _target(frappe.form_dict.get("token"))
	if not found:
		context.http_status_code = 404
		return context
	row, url = found
	if not rules.is_robot(frappe.request.method, frappe.request.headers):
		tracking.record_click(row, url)
		frappe.local.flags.commit = True  # a GET is rolled back otherwise
	frappe.flags.redirect_location = url
	raise frappe.Redirect(302)


# a firm's people share one address on the internet, and a scanner opens many links at once
@rate_limit(limit=300, seconds=60)
def _target(token: str | None):
	return tracking.click_target(token)
