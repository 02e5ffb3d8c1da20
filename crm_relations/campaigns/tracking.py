"""The links in a mail: what stands behind them, and what a click or an unsubscription does.

A row of the send ledger has a random token of 128 bits. `/ru/<token>` unsubscribes; it rests on the
database alone, so that it works as long as the row exists. `/rc/<token>.<index>.<signature>` leads to the
link with that index; the signature is checked before the database is asked. Only addresses that stood in
the mail can be reached: there is no open redirect.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from urllib.parse import urlsplit

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import get_url
from frappe.utils.password import get_encryption_key

from crm_relations.campaigns import consent, responses

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_CLICK = re.compile(r"([A-Za-z0-9_-]{22})\.(\d{1,4})\.([A-Za-z0-9_-]{12})")


def new_token() -> str:
	return secrets.token_urlsafe(16)


def click_url(token: str, index: int) -> str:
	return get_url(f"/rc/{token}.{index}.{_sign(token, index)}")


def unsubscribe_url(token: str) -> str:
	return get_url(f"/ru/{token}")


def click_target(value: str | None) -> tuple[frappe._dict, str] | None:
	"""Send row and stored address behind a click link, or None where the link is not ours."""
	match = _CLICK.fullmatch(value or "")
	if not match or not hmac.compare_digest(_sign(match[1], int(match[2])), match[3]):
		return None
	row = find(match[1])
	links = json.loads(row.links or "[]") if row else []
	index = int(match[2])
	if index >= len(links) or urlsplit(links[index]).scheme.lower() not in ("http", "https"):
		return None
	return row, links[index]


def record_click(row: frappe._dict, url: str) -> str | None:
	"""The first click on each link of a mail is a response; further ones add nothing."""
	url = url[:140]
	if frappe.db.exists(
		"Relation Campaign Response", {"send": row.name, "response_type": "Click", "url": url}
	):
		return None
	return responses.record(row.member, "Click", send=row.name, url=url)


def unsubscribe(row: frappe._dict, proof: str = "") -> None:
	"""The recipient of a mail objects: to all advertising by e-mail, at this address. Can be repeated."""
	if consent.lookup(row.relation, row.recipient, "E-mail").reason != consent.rules.WITHDRAWN:
		consent.record(
			row.relation,
			row.recipient,
			"E-mail",
			"Withdrawn",
			source=_("Unsubscribe link in an e-mail"),
			proof=f"{row.campaign} · {row.name}" + (f"\n{proof}" if proof else ""),
		)
	if not frappe.db.exists("Relation Campaign Response", {"send": row.name, "response_type": "Unsubscribe"}):
		responses.record(row.member, "Unsubscribe", send=row.name)


def find(token: str | None) -> frappe._dict | None:
	"""The send row of a token, with what its pages need; None for anything else."""
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
			relation.language,
		)
		.where(send.token == token)
		.run(as_dict=True)
	)
	# the database compares without regard to case
	return rows[0] if rows and hmac.compare_digest(rows[0].token, token) else None


def _sign(token: str, index: int) -> str:
	key = hashlib.sha256(b"crm_relations click" + get_encryption_key().encode()).digest()
	digest = hmac.new(key, f"{token}.{index}".encode(), hashlib.sha256).digest()
	return base64.urlsafe_b64encode(digest[:9]).decode()
