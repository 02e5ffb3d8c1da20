"""Guest page /rs: sign up for emails, if Relation Settings allow it. Never reveals which addresses are known."""

import frappe
from frappe import _

from crm_relations.campaigns.consents import opt_in, purposes
from crm_relations.shared.access import guest_pages
from crm_relations.shared.contact_keys import email_key

no_cache = 1
sitemap = 0
_PURPOSE = "purpose:"


def get_context(context):
	"""Set `done` after a request, whatever its result; 404 if the page is switched off."""
	language = _language()
	guest_pages.prepare(context, language)
	context.done, context.problem, context.purposes = False, "", []
	context.email, context.lang = "", language
	if not frappe.get_cached_doc("Relation Settings").public_sign_up:
		context.http_status_code = 404
		return context
	context.purposes = purposes.offered(language, sign_up=True)
	if guest_pages.is_post() and context.purposes:
		context.email = (frappe.form_dict.get("email") or "")[:140]
		context.problem = _sign_up(context)
		context.done = not context.problem
	return context


def _sign_up(context) -> str:
	"""Return the error in words; empty if the email is on its way, or a bot has filled in the trap."""
	guest_pages.count_request("rs", limit=20, seconds=60 * 60)
	known = {purpose.name for purpose in context.purposes}
	wanted = [name[len(_PURPOSE) :] for name in frappe.form_dict if name.startswith(_PURPOSE)]
	if not email_key(context.email):
		return _("Please enter an email address.")
	if not known & set(wanted):
		return _("Please choose what you want to receive.")
	if not frappe.form_dict.get("website"):
		opt_in.request(
			context.email,
			[name for name in wanted if name in known],
			source="Sign-up page",
			language=context.lang,
			ip=guest_pages.ip(),
		)
	return ""


def _language() -> str:
	"""Return `lang` of the address, else what the browser asks for; German or English."""
	wanted = frappe.form_dict.get("lang") or frappe.local.lang or "en"
	return "de" if wanted.startswith("de") else "en"
