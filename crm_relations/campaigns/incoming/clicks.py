"""Resolve the links in an email, and record clicks, opens and unsubscriptions. Writes no record itself;
`responses` and `decisions` do.

A send row has a random token of 128 bits. `/ru/<token>` unsubscribes; it needs only the database, so it
works as long as the row exists. `/rc/<token>.<index>.<signature>` leads to the link with that index. The
signature is checked before the database is asked. Only addresses that stood in the email can be reached:
there is no open redirect. `/ri/<token>.<signature>` is the picture that measures opens, if campaign and
recipient agree to it.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import frappe
from frappe.query_builder import DocType
from frappe.utils import add_to_date, get_url, now_datetime

from crm_relations.campaigns.classification import classification as answer_rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.incoming import responses
from crm_relations.campaigns.states import ResponseType
from crm_relations.campaigns.transport import signed_links

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_OPEN = "open"
_CLICK = re.compile(r"([A-Za-z0-9_-]{22})\.(\d{1,4})\.([A-Za-z0-9_-]{12})")


def new_token() -> str:
	return secrets.token_urlsafe(16)


def click_url(token: str, index: int) -> str:
	return get_url(f"/rc/{token}.{index}.{_sign(token, index)}")


def unsubscribe_url(token: str) -> str:
	return get_url(f"/ru/{token}")


def preferences_url(token: str) -> str:
	"""Return the address of the page on which the recipient of an email chooses what to get."""
	return get_url(f"/rp/{token}")


def click_target(value: str | None) -> tuple[frappe._dict, str] | None:
	"""Return the send row and the stored address behind a click link, or None for an invalid link."""
	match = _CLICK.fullmatch(value or "")
	if not match or not hmac.compare_digest(_sign(match[1], int(match[2])), match[3]):
		return None
	row = find(match[1])
	targets = json.loads(row.links or "[]") if row else []
	index = int(match[2])
	if index >= len(targets) or urlsplit(targets[index]).scheme.lower() not in ("http", "https"):
		return None
	return row, targets[index]


def click(row: frappe._dict, url: str, method: str, headers: Mapping[str, str]) -> str | None:
	"""Handle a request on a link. Requests of bots are marked; the first click of bots and of people on a
	link is recorded.
	"""
	now = now_datetime()
	url = url[:140]
	bot = answer_rules.bot_indicator(method, headers, row.sent_at or row.claimed_at, now)
	earlier = _clicks(row.name)
	if not bot and not any(c.url == url and not c.bot for c in earlier):
		number = len(set(json.loads(row.links or "[]")))
		if answer_rules.is_burst(url, now, [(c.url, c.received_at) for c in earlier], number):
			bot = answer_rules.BURST
			recent = add_to_date(now, seconds=-answer_rules.BURST_SECONDS)
			responses.mark_bot([c.name for c in earlier if c.received_at >= recent], bot)
	return record_click(row, url, bot)


def record_click(row: frappe._dict, url: str, bot: str = "") -> str | None:
	"""Record the first click on each link of an email as a response; further clicks add nothing.

	:param bot: why the click is a bot's; a person's click on the same link still counts
	"""
	key = {"send": row.name, "response_type": ResponseType.CLICK, "url": url[:140], "bot": 1 if bot else 0}
	if frappe.db.exists("Relation Campaign Response", key):
		return None
	return responses.record(row.member, "Click", send=row.name, url=url[:140], bot=bot)


def _clicks(send: str) -> list[frappe._dict]:
	return frappe.get_all(
		"Relation Campaign Response",
		filters={"send": send, "response_type": ResponseType.CLICK},
		fields=["name", "url", "bot", "received_at"],
		order_by="received_at asc",
	)


def open_url(token: str) -> str:
	"""Return the address of the picture that measures whether an email is opened."""
	return get_url(f"/ri/{signed_links.seal(_OPEN, token)}")


def opened(value: str | None, method: str, headers: Mapping[str, str]) -> str | None:
	"""Record an open, as the picture of an email was loaded, if the campaign measures and the recipient
	still agrees. Once per email.
	"""
	token = signed_links.unseal(_OPEN, value)
	row = find(token) if token else None
	if not row or not frappe.db.get_value("Relation Campaign", row.campaign, "track_opens"):
		return None
	if row.recipient not in decisions.agreed_to_tracking([row.recipient]):
		return None
	bot = answer_rules.bot_indicator(method, headers, row.sent_at or row.claimed_at, now_datetime())
	key = {"send": row.name, "response_type": ResponseType.OPENED, "bot": 1 if bot else 0}
	if frappe.db.exists("Relation Campaign Response", key):
		return None
	return responses.record(row.member, "Opened", send=row.name, bot=bot)


def unsubscribe(row: frappe._dict, proof: str = "", reference: tuple[str, str] | None = None) -> None:
	"""Record that the recipient of an email objects to all advertising by email at this address. Can be
	repeated.

	The objection needs only the send row. It is recorded even if campaign, member or relation no longer
	exist, as after a Transaction Deletion Record or a restored backup.

	:param reference: (doctype, name) of the document that contains the objection
	"""
	decisions.withdraw(
		row.relation if frappe.db.exists("Relation", row.relation) else None,
		row.recipient,
		"Email",
		source="Unsubscribe link in an email",
		proof=f"{row.campaign} · {row.name}" + (f"\n{proof}" if proof else ""),
	)
	known = {"send": row.name, "response_type": ResponseType.UNSUBSCRIBE}
	if _has_a_member(row) and not frappe.db.get_value(
		"Relation Campaign Response", known, "name", for_update=True
	):
		responses.record(row.member, "Unsubscribe", send=row.name, reference=reference)


def _has_a_member(row: frappe._dict) -> bool:
	"""Tell whether a response can be recorded: campaign, member and relation of the message are still there."""
	named = (
		("Relation Campaign", row.campaign),
		("Relation Campaign Member", row.member),
		("Relation", row.relation),
	)
	return all(name and frappe.db.exists(doctype, name) for doctype, name in named)


def find(token: str | None) -> frappe._dict | None:
	"""Return the send row of a token, with what its pages need; None for an unknown token."""
	if not _TOKEN.fullmatch(token or ""):
		return None
	send, relation = DocType("Relation Campaign Send"), DocType("Relation")
	rows = (
		frappe.qb.from_(send)
		.left_join(relation)
		.on(relation.name == send.relation)
		.select(
			send.name,
			send.token,
			send.campaign,
			send.member,
			send.relation,
			send.recipient,
			send.links,
			send.sent_at,
			send.claimed_at,
			relation.language,
		)
		.where(send.token == token)
		.run(as_dict=True)
	)
	# the database compares without regard to case
	return rows[0] if rows and hmac.compare_digest(rows[0].token, token) else None


def _sign(token: str, index: int) -> str:
	digest = hmac.new(signed_links.key("click"), f"{token}.{index}".encode(), hashlib.sha256).digest()
	return base64.urlsafe_b64encode(digest[:9]).decode()
