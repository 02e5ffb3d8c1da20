"""Email addresses behind which there is no party: mail programs, addresses for no replies, and the site's own accounts.

Frappe makes contacts and leads of the addresses in incoming mails (Create Contacts, Append To), also of the daemon that
returns a mail and of the mailbox that it came to.
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
	"""Return whether it is the address of a mail program, or one that takes no replies.

	:param key: from `email_key`
	"""
	local = key.rpartition("@")[0][:200]
	return bool(_MACHINE.fullmatch(local))


def without_party(keys: Collection[str]) -> set[str]:
	"""Return the email keys behind which there is no party."""
	wanted = sorted(key for key in keys if key)
	if not wanted:
		return set()
	accounts = frappe.get_all(
		"Email Account", {"email_id": ["in", wanted]}, pluck="email_id", order_by="name asc"
	)
	own = {address.lower() for address in accounts}
	return {key for key in wanted if key in own or is_machine(key)}
