"""Generate a market by SQL for the benchmarks of campaigns.

It has relations with an address and consent, in a segment, and a campaign for them. Everything carries the
mark and can be removed.
"""

from collections.abc import Iterator

import frappe
from frappe.utils import now

from crm_relations.campaigns import rules
from crm_relations.shared.contact_keys import mailbox_key

MARK = "BD-"
DOMAIN = "bench.example"
SEGMENT = "BD Segment"
CAMPAIGN = "BD Campaign"
ACCOUNT = "BD Account"
SUBJECT = "Für {{ first_name }}"
MESSAGE = (
	"<p>Guten Tag {{ salutation }} {{ last_name }},</p>"
	'<p>unser <a href="https://shop.example/herbst?id=1">Angebot</a> und der '
	'<a href="https://shop.example/katalog">Katalog</a> warten.</p>'
	+ "<p>Wir haben für Sie ausgewählt, was zu Ihrer letzten Bestellung passt: Werkzeug, Ersatzteile und Öl.</p>"
	* 10
)
_CHUNK = 10_000


def address(number: int) -> str:
	return f"p{number}@{DOMAIN}"


def load(number: int) -> None:
	"""Insert relations with consent in a manual segment; committed."""
	remove()
	stamp = now()
	standard = ["name", "creation", "modified", "owner", "modified_by"]
	audit = (stamp, stamp, "Administrator", "Administrator")

	def insert(doctype: str, fields: list[str], values: Iterator[tuple]) -> None:
		frappe.db.bulk_insert(doctype, standard + fields, values, chunk_size=_CHUNK)
		frappe.db.commit()

	insert(
		"Relation",
		["relation_name", "relation_kind", "first_name", "last_name", "email_id", "disabled", "language"],
		(
			(f"{MARK}{i:07}", *audit, f"Anna Muster{i}", "Person", "Anna", f"Muster{i}", address(i), 0, "de")
			for i in range(number)
		),
	)
	insert(
		"Relation Consent",
		[
			"relation",
			"channel",
			"address",
			"address_key",
			"mailbox_key",
			"purpose",
			"event",
			"legal_basis",
			"given_at",
			"source",
		],
		(
			(
				f"{MARK}{i:07}",
				*audit,
				f"{MARK}{i:07}",
				"E-mail",
				address(i),
				address(i),
				mailbox_key(address(i)),
				"Marketing",
				"Given",
				rules.CONSENT,
				stamp,
				"Formular",
			)
			for i in range(number)
		),
	)
	frappe.get_doc({"doctype": "Relation Segment", "segment_name": SEGMENT, "kind": "Manual"}).insert()
	insert(
		"Relation Segment Member",
		["segment", "relation", "entered"],
		((f"{MARK}{i:07}", *audit, SEGMENT, f"{MARK}{i:07}", stamp) for i in range(number)),
	)


def open_account(port: int) -> str:
	"""Create an outgoing account for the sink; committed."""
	doc = frappe.get_doc(
		{
			"doctype": "Email Account",
			"name": ACCOUNT,
			"email_account_name": ACCOUNT,
			"email_id": f"marketing@{DOMAIN}",
			"enable_outgoing": 1,
			"smtp_server": "127.0.0.1",
			"smtp_port": port,
			"no_smtp_authentication": 1,
		}
	)
	doc.db_insert()  # only the row: saving contacts the server, which may not run
	frappe.clear_document_cache("Email Account", ACCOUNT)
	frappe.db.commit()
	return doc.name


def campaign() -> str:
	"""Create a draft for the segment, with one email, and remove the previous one."""
	_remove_campaign()
	doc = frappe.get_doc(
		{
			"doctype": "Relation Campaign",
			"campaign_name": CAMPAIGN,
			"segment": SEGMENT,
			"email_account": ACCOUNT if frappe.db.exists("Email Account", ACCOUNT) else None,
			"purpose": "Marketing",
			"steps": [{"step_type": "E-mail", "title": "Einladung", "subject": SUBJECT, "message": MESSAGE}],
		}
	).insert()
	frappe.db.commit()
	return doc.name


def remove() -> None:
	"""Remove everything that was generated; committed."""
	_remove_campaign()
	frappe.db.delete("Relation Segment Member", {"segment": SEGMENT})
	frappe.db.delete("Relation Segment", {"name": SEGMENT})
	frappe.db.delete("Email Account", {"name": ACCOUNT})
	for doctype in ("Relation Consent", "Relation"):
		frappe.db.delete(doctype, {"name": ["like", f"{MARK}%"]})
	frappe.db.delete("Relation Facts Queue", {"party": ["like", f"{MARK}%"]})
	frappe.db.commit()


def _remove_campaign() -> None:
	for suffix in ("Member", "Send", "Response"):
		frappe.db.delete(f"Relation Campaign {suffix}", {"campaign": CAMPAIGN})
	frappe.db.delete("Relation Campaign Step", {"parent": CAMPAIGN})
	frappe.db.delete("Comment", {"reference_doctype": "Relation Campaign", "reference_name": CAMPAIGN})
	frappe.db.delete("Relation Campaign", {"name": CAMPAIGN})
	frappe.db.delete("Communication", {"reference_name": ["like", f"{MARK}%"]})
	frappe.db.commit()
