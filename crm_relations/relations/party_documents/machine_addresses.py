"""Recognize email addresses without a party: mail programs, no-reply addresses, and the site's own accounts.

Frappe creates contacts and leads from the addresses in incoming emails (Create Contacts, Append To). That
includes the daemon that returns a message and the mailbox that received it. Writes nothing.
"""

import re
from collections.abc import Collection

import frappe

_MACHINE = re.compile(
	r"(mailer-?daemon|mail-?daemon|mdaemon|postmaster|hostmaster|listserv|majordomo|no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|dont-?reply"
	r"|no-?response|no-?return|auto-?(reply|responder|response|mailer|confirm)|bounces?|return|devnull|nobody|null"
	r"|nicht-?antworten|keine-?antwort|ne-?pas-?repondre|no-?responder|non-?rispondere|niet-?beantwoorden)([+=._-].*)?"
)


def is_machine(key: str) -> bool:
	"""Tell whether it is the address of a mail program, or a no-reply address.

	:param key: from `email_key`
	"""
	local = key.rpartition("@")[0][:200]
	return bool(_MACHINE.fullmatch(local))


def without_party(keys: Collection[str]) -> set[str]:
	"""Return the email keys that have no party."""
	wanted = sorted(key for key in keys if key)
	if not wanted:
		return set()
	accounts = frappe.get_all(
		"Email Account", {"email_id": ["in", wanted]}, pluck="email_id", order_by="name asc"
	)
	own = {address.lower() for address in accounts}
	return {key for key in wanted if key in own or is_machine(key)}
