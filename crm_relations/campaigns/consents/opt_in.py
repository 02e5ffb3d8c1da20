"""Run the double opt-in: a request, an email with a signed link, and a page that shows on GET and confirms
on POST. Sole writer of `Relation Opt-in Request`.

A request keeps as proof the times of request and confirmation, the words and their version, and the network
of both. The last part of an IP address is cut off: the proof is that a person with access to the mailbox
confirmed, and the network is enough for that. The email holds no advertising and is sent once. A request
that is not confirmed in time expires and is deleted.
"""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import add_to_date, cint, format_datetime, get_url, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.classification import bounce_rules
from crm_relations.campaigns.consents import decisions, deliverability
from crm_relations.campaigns.consents import purposes as texts
from crm_relations.campaigns.states import OptInState
from crm_relations.campaigns.transport import accounts, signed_links, smtp
from crm_relations.shared import live_site
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.contact_keys import FREE_MAIL, email_key, mailbox_key
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text import stored_texts
from crm_relations.shared.text.markup import plain

DOCTYPE = "Relation Opt-in Request"
LINK = "opt-in"
#: emails per day to one mailbox, so that the sign-up page cannot be used to flood it
MAILS_A_DAY = 3
#: the same for the domain of one organization, for requests of guests
MAILS_A_DAY_AND_DOMAIN = 20
#: an expired request is deleted after these days: it proves nothing, as no person agreed to it
KEPT_DAYS = 30


def request(
	address: str,
	purposes: Sequence[str],
	*,
	source: str,
	relation: str | None = None,
	language: str | None = None,
	ip: str | None = None,
	requested_by: str | None = None,
) -> str | None:
	"""Ask the owner of a mailbox to confirm; the email is sent after the commit. The caller has checked
	permission.

	:return: name of the request; None if the address has had its emails of the day
	:raises frappe.ValidationError: not an address, or none of the purposes is offered
	"""
	key = email_key(address)
	if not key:
		refuse(_("Email: {0} is not an email address"), address or "")
	chosen = texts.chosen(purposes, language)
	if not chosen:
		frappe.throw(_("Purpose: choose at least one"))
	now = now_datetime()
	if not _may_be_mailed(key, guest=not requested_by):
		return None
	doc = trusted(
		frappe.get_doc(
			{
				"doctype": DOCTYPE,
				"relation": relation,
				"address": key,
				"address_key": key,
				"mailbox_key": mailbox_key(key),
				"domain": key.rpartition("@")[2],
				"purposes": "\n".join(purpose.name for purpose in chosen),
				"language": language,
				"state": OptInState.WAITING,
				"requested_at": now,
				"expires_at": add_to_date(now, days=max(cint(_settings().opt_in_days), 1)),
				"source": source[:140],
				"requested_by": requested_by,
				"requested_from": network(ip),
				"declaration": "\n\n".join(purpose.declaration for purpose in chosen),
				"text_version": ", ".join(f"{p.name} {p.language} {p.version}" for p in chosen)[:140],
			}
		)
	).insert(ignore_permissions=True)
	frappe.enqueue(deliver, queue="short", enqueue_after_commit=True, request=doc.name)
	return doc.name


def _may_be_mailed(key: str, guest: bool) -> bool:
	"""Tell whether the mailbox may get another email today. Requests at the same moment wait for each other
	here.
	"""
	frappe.db.get_value("DocType", DOCTYPE, "name", for_update=True)
	table = DocType(DOCTYPE)
	# for update: also reads what others have committed since this transaction began
	today = (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.requested_at > now_datetime() - timedelta(days=1))
		.for_update()
	)
	domain = key.rpartition("@")[2]
	if len(today.where(table.mailbox_key == mailbox_key(key)).run()) >= MAILS_A_DAY:
		return False
	if not guest or domain in FREE_MAIL:
		return True
	return len(today.where(table.domain == domain).run()) < MAILS_A_DAY_AND_DOMAIN


def url(request: str) -> str:
	"""Return the address of the page that confirms a request."""
	return get_url(f"/ro/{signed_links.seal(LINK, request)}")


def find(token: str | None) -> frappe._dict | None:
	"""Return the request behind a link, with what its page needs; None for an invalid link."""
	name = signed_links.unseal(LINK, token)
	if not name:
		return None
	fields = ["name", "address", "relation", "purposes", "language", "state", "expires_at", "declaration"]
	row = frappe.db.get_value(DOCTYPE, name, fields, as_dict=True)
	if row and row.state == OptInState.WAITING and row.expires_at < now_datetime():
		row.state = OptInState.EXPIRED
	return row


def confirm(name: str, ip: str | None = None) -> str:
	"""Record consent once, as the owner of the mailbox confirms. Returns the state of the request."""
	doc = frappe.get_doc(DOCTYPE, name, for_update=True)
	if doc.state != OptInState.WAITING:
		return doc.state
	now = now_datetime()
	if doc.expires_at < now:
		return "Expired"
	relation = doc.relation or _relation_of(doc.address_key)
	doc.update(
		{
			"state": OptInState.CONFIRMED,
			"confirmed_at": now,
			"confirmed_from": network(ip),
			"relation": relation,
		}
	)
	trusted(doc).save(ignore_permissions=True)
	deliverability.mark_deliverable(doc.address_key)
	for purpose in doc.purposes.splitlines():
		decisions.record(
			relation,
			doc.address,
			"Email",
			"Given",
			purpose=purpose,
			legal_basis=rules.CONSENT,
			given_at=now,
			source=f"Double opt-in: {doc.source}"[:140],
			text_version=doc.text_version,
			declaration=doc.declaration,
			proof=stored_texts.filled(
				"Request {0}: requested at {1} ({2}), sent at {3}, confirmed at {4} ({5})",
				doc.name,
				format_datetime(doc.requested_at),
				doc.requested_from or "–",
				format_datetime(doc.mailed_at) if doc.mailed_at else "–",
				format_datetime(now),
				doc.confirmed_from or "–",
			),
			opt_in_request=doc.name,
		)
	return "Confirmed"


def deliver(request: str) -> str:
	"""Send the email of a request, once, and return the result. Called by a job, and hourly for waiting
	requests.

	The time is committed before the email leaves, so that a request that is killed in between is not sent a
	second time.
	"""
	doc = frappe.get_doc(DOCTYPE, request, for_update=True)
	if doc.state != OptInState.WAITING or doc.mailed_at:
		return "done"
	account = accounts.account_of(frappe._dict(email_account=None))
	problems = accounts.check(frappe._dict(email_account=None))
	held_back = accounts.held_back()
	if problems or held_back:
		doc.db_set("mail_error", plain("\n".join(problems) or held_back))
		return "waiting"
	live_site.remember()
	doc.db_set("mailed_at", now_datetime())
	frappe.db.commit()
	line = accounts.SmtpConnection(account)
	try:
		outcome = line.hand_over(doc.address, _message(doc, account))
	finally:
		line.close()
	if outcome.result in ("accepted", "lost"):
		doc.db_set("mail_error", None if outcome.result == "accepted" else plain(outcome.reason))
	else:
		again = outcome.result in ("temporary", "unreachable") or _account_refused(outcome)
		doc.db_set({"mail_error": plain(outcome.reason), "mailed_at": None if again else doc.mailed_at})
	frappe.db.commit()
	return outcome.result


def _account_refused(outcome: smtp.Outcome) -> bool:
	"""Tell whether the server refuses the sender and not the recipient. The email is then sent later."""
	cause = bounce_rules.cause_of(bounce_rules.code_in(outcome.reason), outcome.reason)
	return outcome.at == "MAIL" or cause in ("quota", "sender")


def process_pending() -> None:
	"""Send waiting emails, mark expired requests, and delete those that expired long ago. Runs hourly.
	Commits.
	"""
	table, now = DocType(DOCTYPE), now_datetime()
	frappe.qb.update(table).set(table.state, OptInState.EXPIRED).where(
		(table.state == OptInState.WAITING) & (table.expires_at < now)
	).run()
	old = (table.state == OptInState.EXPIRED) & (table.expires_at < add_to_date(now, days=-KEPT_DAYS))
	frappe.qb.from_(table).delete().where(old).run()
	frappe.db.commit()
	for name in (
		frappe.qb.from_(table)
		.select(table.name)
		.where((table.state == OptInState.WAITING) & table.mailed_at.isnull())
		.orderby(table.requested_at)
		.limit(200)
		.run(pluck=True)
	):
		deliver(name)
	frappe.db.commit()


def network(ip: str | None) -> str:
	"""Return the network of an IP address: `203.0.113.77` → `203.0.113.0/24`, an IPv6 address → its /48;
	empty if it is not an address.
	"""
	try:
		address = ipaddress.ip_address((ip or "").strip())
	except ValueError:
		return ""
	return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _settings():
	return frappe.get_cached_doc("Relation Settings")


def _relation_of(key: str) -> str | None:
	"""Return the relation with this address, if there is exactly one."""
	names = frappe.get_all("Relation", filters={"email_id": key, "disabled": 0}, pluck="name", limit=2)
	return names[0] if len(names) == 1 else None


def _message(doc, account) -> bytes:
	"""Return the email: what was requested, the link, and nothing that could be seen as advertising."""
	lang = doc.language or frappe.local.lang or "en"
	imprint = [line.strip() for line in (_settings().legal_notice or "").splitlines() if line.strip()]
	link = url(doc.name)
	lines = [
		_("We received a request to send emails to this address:", lang=lang),
		*doc.declaration.split("\n\n"),
		_("Please confirm with this link that you want this:", lang=lang),
	]
	ends = _(
		"The link is valid until {0}. If you did not request this, you do not need to do anything: without your confirmation we will not send you any further emails.",
		lang=lang,
	).format(format_datetime(doc.expires_at, "dd.MM.yyyy HH:mm" if lang.startswith("de") else None))
	message = EmailMessage(policy=SMTP if doc.address.isascii() else SMTP.clone(utf8=True))
	message["Subject"] = _("Please confirm your email address", lang=lang)
	message["From"] = Address(display_name=account.name, addr_spec=account.email_id)
	message["To"] = doc.address
	message["Date"] = formatdate(localtime=True)
	message["Message-ID"] = f"<{smtp.new_message_id(account.email_id)}>"
	message["Auto-Submitted"] = "auto-generated"
	message.set_content("\n\n".join([*lines, link, ends, "\n".join(["-- ", *imprint])]))
	message.add_alternative(
		frappe.get_template("crm_relations/templates/opt_in_mail.html").render(
			{
				"lines": lines,
				"link": link,
				"label": _("Confirm", lang=lang),
				"ends": ends,
				"imprint": imprint,
				"language": lang,
			}
		),
		subtype="html",
	)
	return message.as_bytes()
