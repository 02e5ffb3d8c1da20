"""Guest page /rp/<token>: choose preferences. A GET only shows, a POST acts."""

import frappe

from crm_relations.campaigns.recipient_pages import preferences
from crm_relations.shared.access import guest_pages

no_cache = 1
sitemap = 0
_PURPOSE = "purpose:"


def get_context(context):
	"""Set `who`, None for a link that is not ours (404), and after a POST `outcome`."""
	context.token = frappe.form_dict.get("token")
	who = _visitor(context.token)
	guest_pages.prepare(context, who and who.language)
	context.who, context.outcome = who, None
	if not who:
		context.http_status_code = 404
		return context
	if guest_pages.is_post():
		context.outcome = _act(who)
	context.preferences = preferences.read(who)
	return context


def _act(who: preferences.Visitor) -> preferences.Outcome:
	form = frappe.form_dict
	if form.get("do") == "refuse":
		return preferences.refuse_all(who)
	return preferences.save(
		who,
		{name[len(_PURPOSE) :] for name in form if name.startswith(_PURPOSE)},
		no_calls=bool(form.get("no_calls")),
		no_letters=bool(form.get("no_letters")),
		ip=guest_pages.ip(),
	)


def _visitor(token: str | None):
	"""Return the visitor. Only guesses are counted: every owner of a link may object."""
	who = preferences.visitor(token)
	if not who:
		guest_pages.count_request("rp", limit=300, seconds=60)
	return who
