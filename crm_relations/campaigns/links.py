"""Signed links to guest pages: `<value>.<signature>`. The signature is checked before the database is asked.

The key is derived from the site's encryption key, another one for each kind of page, so that a link to one page
opens no other. 132 bits of HMAC-SHA-256 are kept; they are compared in constant time.
"""

import base64
import hashlib
import hmac
import re

from frappe.utils.password import get_encryption_key

#: what may stand before the signature: names of documents that are made by rule
_SEALED = re.compile(r"([A-Za-z0-9_-]{1,60})\.([A-Za-z0-9_-]{22})")


def seal(kind: str, value: str) -> str:
	"""`value` with its signature, for the path of a link."""
	return f"{value}.{_signature(kind, value)}"


def unseal(kind: str, text: str | None) -> str | None:
	"""The value behind a link of this kind; None where it is not ours."""
	match = _SEALED.fullmatch(text or "")
	if not match or not hmac.compare_digest(_signature(kind, match[1]), match[2]):
		return None
	return match[1]


def _signature(kind: str, value: str) -> str:
	key = hashlib.sha256(f"crm_relations {kind} ".encode() + get_encryption_key().encode()).digest()
	digest = hmac.new(key, value.encode(), hashlib.sha256).digest()
	return base64.urlsafe_b64encode(digest)[:22].decode()
