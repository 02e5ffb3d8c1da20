"""Run the demo's own mail server, which accepts every message and delivers none.

The server comes with the extra `demo` (aiosmtpd). Nothing else of the app needs it, so it is imported when it is started.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

import frappe
from frappe import _

ACCOUNT = "CRM Relations Demo"
SENDER = "aktion@rheinland-technik.example"


def require_mail_server() -> type[Any]:
	"""Return the SMTP server class; raise a ValidationError that names the remedy if its package is missing."""
	try:
		from aiosmtpd.controller import Controller
	except ImportError:
		frappe.throw(
			_(
				"The demo needs the Python package aiosmtpd. Install it into the bench: bench pip install aiosmtpd"
			)
		)
	return Controller


class Mailbox:
	"""Collect the messages; the addresses end in `.example`, so nothing could be delivered anyway."""

	def __init__(self) -> None:
		self.messages: list[Message] = []

	async def handle_DATA(self, server, session, envelope) -> str:  # the name is aiosmtpd's
		self.messages.append(message_from_bytes(envelope.content))
		return "250 OK"


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
	"""Run the mailbox on a free port of this machine, with an outgoing email account that leads to it.

	The account remains but is switched off afterwards: nothing listens on its port any more.
	"""
	mailbox = Mailbox()
	with socket.socket() as free:
		free.bind(("127.0.0.1", 0))
		port = free.getsockname()[1]
	controller = require_mail_server()(mailbox, hostname="127.0.0.1", port=port)
	controller.start()
	try:
		_account(port)
		frappe.db.commit()
		yield mailbox
	finally:
		frappe.db.set_value("Email Account", ACCOUNT, "enable_outgoing", 0)
		frappe.clear_document_cache("Email Account", ACCOUNT)
		frappe.db.commit()
		controller.stop()


def _account(port: int) -> None:
	values = {
		"email_id": SENDER,
		"enable_outgoing": 1,
		"enable_incoming": 0,
		"default_outgoing": 0,
		"smtp_server": "127.0.0.1",
		"smtp_port": port,
		"use_tls": 0,
		"use_ssl_for_outgoing": 0,
		"no_smtp_authentication": 1,
	}
	if frappe.db.exists("Email Account", ACCOUNT):
		doc = frappe.get_doc("Email Account", ACCOUNT)
		doc.update(values)
		doc.save(ignore_permissions=True)
	else:
		frappe.get_doc({"doctype": "Email Account", "email_account_name": ACCOUNT, **values}).insert(
			ignore_permissions=True
		)
