"""Create the users, the segment and the campaign of the demo. Each is created once and found again by its
name.
"""

from collections import Counter

import frappe
from frappe.utils import nowdate

from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.rules import CONSENT
from crm_relations.demo.mailbox import ACCOUNT
from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership

SEGMENT = "Demo: Industriekunden"
CAMPAIGN = "Demo: Wartung im Herbst"
SCHEME = "Demo: Wartung"
SALESPERSON = "vertrieb.demo@rheinland-technik.example"
CONSENT_SOURCE = "Demo: Messekarte"
#: number of contacts; the last two give no consent, so that no message goes to them
CONTACTS = 12
WITHOUT_CONSENT = 2
IMPRINT = "Rheinland Technik GmbH, Rheinufer 1, 50668 Köln\nHRB 00000 Amtsgericht Köln, USt-IdNr. DE000000000"

_PEOPLE = (
	("Anna", "Brückner"), ("Mehmet", "Yılmaz"), ("Katharina", "Vogt"), ("Paul", "Schneider"),
	("Ines", "Hoffmann"), ("Tomasz", "Nowak"), ("Clara", "Weiß"), ("Stefan", "Krämer"),
	("Lea", "Jansen"), ("Georg", "Riedel"), ("Nadia", "Haddad"), ("Uwe", "Thiele"),
)  # fmt: skip

_MESSAGE = """<p>Guten Tag {{ name }},</p>
<p>vor dem Winter prüfen unsere Techniker Pumpen und Ventile vor Ort.
<a href="https://rheinland-technik.example/wartung">So läuft die Wartung ab</a>,
<a href="https://rheinland-technik.example/termin">hier wählen Sie einen Termin</a>.</p>
<p>Ihre Rheinland Technik</p>"""

_SCRIPT = "<p>Mail bekommen? Wie viele Pumpen laufen? Termin anbieten, Angebot ankündigen.</p>"


def salesperson() -> str:
	"""Return the user that receives what marketing has qualified. It cannot log in: it has no password."""
	if not frappe.db.exists("User", SALESPERSON):
		doc = frappe.get_doc(
			{
				"doctype": "User",
				"email": SALESPERSON,
				"first_name": "Vera",
				"last_name": "Vertrieb",
				"send_welcome_email": 0,
			}
		)
		doc.flags.no_welcome_mail = True
		doc.insert(ignore_permissions=True)
		doc.add_roles("Sales User", "Relation User")
		# the demo's mailbox no longer exists when Frappe's worker sends its notice of new tasks
		frappe.db.set_value("Notification Settings", SALESPERSON, "enable_email_notifications", 0)
	return SALESPERSON


def contacts(customers: list[str]) -> list[tuple[str, str]]:
	"""Create a contact person for the first customers of the most frequent industries.

	:return: relations of the customers with the email address of each
	"""
	industries = [name for name, _n in Counter(_industries(customers).values()).most_common() if name]
	chosen = [
		name
		for industry in industries
		for name, its in sorted(_industries(customers).items())
		if its == industry
	]
	made = []
	for index, customer in enumerate(chosen[:CONTACTS]):
		first, last = _PEOPLE[index]
		address = f"{frappe.scrub(first)}.{index + 1}@kunde-{index + 1}.example".encode(
			"ascii", "ignore"
		).decode()
		if not frappe.db.get_value("Customer", customer, "email_id"):
			contact = frappe.get_doc(
				{
					"doctype": "Contact",
					"first_name": first,
					"last_name": last,
					"is_primary_contact": 1,
					"email_ids": [{"email_id": address, "is_primary": 1}],
					"phone_nos": [{"phone": f"+49221555{index + 100:04d}", "is_primary_mobile_no": 1}],
					"links": [{"link_doctype": "Customer", "link_name": customer}],
				}
			).insert(ignore_permissions=True)
			doc = frappe.get_doc("Customer", customer)
			doc.customer_primary_contact = contact.name
			# ERPNext's form fetches these two; a script has to set them
			doc.email_id, doc.mobile_no = address, f"+49221555{index + 100:04d}"
			doc.save(ignore_permissions=True)
		made.append(
			(
				identity.relation_of("Customer", customer),
				frappe.db.get_value("Customer", customer, "email_id"),
			)
		)
	return made


def _industries(customers: list[str]) -> dict[str, str]:
	rows = frappe.get_all(
		"Customer", filters={"name": ["in", customers]}, fields=["name", "industry"], order_by="name asc"
	)
	return {row.name: row.industry for row in rows}


def consents(members: list[tuple[str, str]]) -> int:
	"""Record consent for email and telephone, given on a card at a fair; return the number of events."""
	for relation, address in members[: len(members) - WITHOUT_CONSENT]:
		phone = frappe.db.get_value("Relation", relation, "mobile_no")
		for channel, where in (("Email", address), ("Phone", phone)):
			key = {"relation": relation, "channel": channel, "source": CONSENT_SOURCE}
			if where and not frappe.db.exists("Relation Consent", key):
				decisions.record(
					relation,
					where,
					channel,
					"Given",
					source=CONSENT_SOURCE,
					legal_basis=CONSENT,
					text_version="Messekarte 2026-01",
				)
	return frappe.db.count("Relation Consent", {"source": CONSENT_SOURCE})


def segment(industries: list[str]) -> str:
	"""Create and refresh the segment: organizations of these industries that may be contacted."""
	if not frappe.db.exists("Relation Segment", SEGMENT):
		rule = {
			"version": 1,
			"all": [
				{"field": "kind", "operator": "=", "value": "Organisation"},
				{"field": "has_email", "operator": "=", "value": True},
				{"any": [{"field": "industry", "operator": "=", "value": name} for name in industries]},
			],
		}
		frappe.get_doc(
			{
				"doctype": "Relation Segment",
				"segment_name": SEGMENT,
				"kind": "Dynamic",
				"rule": frappe.as_json(rule),
				"description": "Kunden mit E-Mail in den häufigsten Branchen",
			}
		).insert(ignore_permissions=True)
	membership.refresh(SEGMENT)
	return SEGMENT


def scheme() -> str:
	"""Create the scheme: a reply or a wish for a visit is worth a salesperson's time."""
	if not frappe.db.exists("Relation Qualification Scheme", SCHEME):
		frappe.get_doc(
			{
				"doctype": "Relation Qualification Scheme",
				"scheme_name": SCHEME,
				"threshold": 60,
				"salesperson": SALESPERSON,
				"task_days": 3,
				"criteria": [
					_criterion("Auf einen Link geklickt", 10, response_type="Click"),
					_criterion("Auf die E-Mail geantwortet", 40, response_type="Reply"),
					_criterion("Am Telefon interessiert", 50, response_type="Call", answer="Interested"),
				],
			}
		).insert(ignore_permissions=True)
	return SCHEME


def _criterion(description: str, points: int, **response: str) -> dict:
	return {"description": description, "basis": "Response", "points": points, **response}


def campaign(company: str) -> str:
	"""Create the campaign: an email and a call to the segment."""
	if not frappe.db.exists("Relation Campaign", CAMPAIGN):
		frappe.get_doc(
			{
				"doctype": "Relation Campaign",
				"campaign_name": CAMPAIGN,
				"segment": SEGMENT,
				"company": company,
				"email_account": ACCOUNT,
				"qualification_scheme": SCHEME,
				"start_date": nowdate(),
				"budget": 1500,
				"goal": "Wartungsverträge vor dem Winter",
				"purpose": "Marketing",
				"steps": [
					{
						"step_type": "Email",
						"title": "Einladung",
						"delay_days": 0,
						"subject": "Wartung vor dem Winter",
						"message": _MESSAGE,
					},
					{"step_type": "Call", "title": "Nachfassen", "delay_days": 0, "call_script": _SCRIPT},
				],
			}
		).insert(ignore_permissions=True)
	return CAMPAIGN


def imprint() -> None:
	"""Set the legal notice, which campaign emails need by law."""
	if not frappe.db.get_single_value("Relation Settings", "legal_notice"):
		frappe.db.set_single_value("Relation Settings", "legal_notice", IMPRINT)
