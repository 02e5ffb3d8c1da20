"""Sign links to guest pages: `<value>.<signature>`. The signature is checked before the database is asked.
Sole writer of the secret in `__Auth`.

The keys are derived from a secret of this app, a different one for each kind of page, so that a link to one
page opens no other. 132 bits of HMAC-SHA-256 are kept; they are compared in constant time.

The secret is stored in the database, in Frappe's table of passwords, which no request can read. It is not
derived from the site's `encryption_key`. That key is in a file that a restored database does not include,
and without it the links of all earlier emails would stop working.
"""

import base64
import hashlib
import hmac
import re
import secrets

import frappe
from frappe.utils.caching import site_cache
from frappe.utils.password import Auth
from pypika.terms import Criterion

_REFERENCE = "reference"
#: what may stand before the signature: names of documents that a naming rule creates
_SEALED = re.compile(r"([A-Za-z0-9_-]{1,60})\.([A-Za-z0-9_-]{22})")
#: the row of the secret in Frappe's table of passwords
_PLACE = {"doctype": "Relation Settings", "name": "Relation Settings", "fieldname": "link_secret"}


def seal(kind: str, value: str) -> str:
	"""Return `value` with its signature, for the path of a link."""
	return f"{value}.{_signature(kind, value)}"


def unseal(kind: str, text: str | None) -> str | None:
	"""Return the value behind a link of this kind; None for an invalid link."""
	match = _SEALED.fullmatch(text or "")
	if not match or not hmac.compare_digest(_signature(kind, match[1]), match[2]):
		return None
	return match[1]


def key(kind: str) -> bytes:
	"""Return the key that signs links of this kind."""
	return hashlib.sha256(f"crm_relations {kind} {_secret(frappe.conf.db_name)}".encode()).digest()


def create_secret() -> None:
	"""Store a secret unless the site has one. Called by install and migrate."""
	_store(secrets.token_urlsafe(32))


def stored_secret() -> str | None:
	"""Read the secret from the database: part of an archive, so that old links work after a restore."""
	query = frappe.qb.from_(Auth).select(Auth.password)
	found = query.where(Criterion.all(_place())).run(pluck=True)
	return found[0] if found else None


def replace_secret(secret: str) -> None:
	"""Take over the secret of an archive. Links that were signed with the present one stop working."""
	forget_secret()
	_store(secret)


def forget_secret() -> None:
	"""Delete the secret. Called by uninstall."""
	frappe.qb.from_(Auth).delete().where(Criterion.all(_place())).run()
	_secret.clear_cache()


@site_cache(ttl=600)
def _secret(database: str) -> str:
	"""Read the secret, from time to time per process; create it if a site has none yet.

	:param database: name of the database, so that a site moved to another one is asked again
	"""
	if not stored_secret():
		create_secret()
	return stored_secret()


def _store(secret: str) -> None:
	# two processes may do this at the same time; the table's key lets one of them win
	row = (*_PLACE.values(), secret, 0)
	frappe.qb.into(Auth).columns(*_PLACE, "password", "encrypted").insert(*row).ignore().run()


def _place() -> list[Criterion]:
	return [Auth[column] == value for column, value in _PLACE.items()]


def reference(send: str, domain: str) -> str:
	"""Return what References of a message names in addition to its Message-ID, without angle brackets.

	Mail services replace our Message-ID with their own. They keep References, and a reply repeats it.
	"""
	return f"{seal(_REFERENCE, send)}@{domain or 'localhost'}"


def referenced(message_id: str) -> str | None:
	"""Return the send row behind such a reference; None for an invalid reference."""
	return unseal(_REFERENCE, message_id.partition("@")[0])


def _signature(kind: str, value: str) -> str:
	digest = hmac.new(key(kind), value.encode(), hashlib.sha256).digest()
	return base64.urlsafe_b64encode(digest)[:22].decode()
