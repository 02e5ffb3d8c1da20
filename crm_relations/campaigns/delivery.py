"""Delivery: the send ledger and its states. Alone writes `Relation Campaign Send`."""


def send_due_campaigns() -> None:
	"""Scheduler: enqueue the sending of what is due in running campaigns."""


def add_unsubscribe_headers(mail) -> None:
	"""Hook make_email_body_message: List-Unsubscribe headers (RFC 2369, RFC 8058) on campaign mails."""
