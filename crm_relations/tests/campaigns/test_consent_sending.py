"""Test legal basis, text and headers of an email byte by byte, and that no import revives an objection."""

from email import message_from_bytes
from email.policy import default

import frappe
import pytest
from frappe.utils import add_days, add_months, now_datetime, nowdate

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.incoming import clicks
from crm_relations.demo.company import COMPANY
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import Mailing, email_step, scripted_sink

pytestmark = pytest.mark.site


@pytest.fixture
def mailing():
	mailing = Mailing()
	yield mailing
	mailing.remove()


def send(mailing, **values):
	"""Start a campaign and send it; return its name and the parsed messages by recipient."""
	with scripted_sink() as sink:
		if mailing.account:
			frappe.db.set_value("Email Account", mailing.account, "smtp_port", sink.port)
			frappe.clear_document_cache("Email Account", mailing.account)
		else:
			mailing.open_account(sink.port)
		campaign = mailing.started(**values)
		dispatch.send(campaign)
		messages = {
			recipients[0]: message_from_bytes(content, policy=default)
			for recipients, content in sink.messages
		}
	return campaign, messages


def body(message, kind):
	return message.get_body((kind,)).get_content()


def test_a_mail_can_be_unsubscribed_by_one_click_and_by_its_text(mailing):
	"""Frappe 15 and 16 send no List-Unsubscribe, and encode long header values beyond recognition.

	RFC 8058 requires both headers, complete and on one line (platform facts 3.2).
	"""
	mailing.person(language="de")
	campaign, messages = send(mailing)
	(row,) = mailing.rows(campaign)
	message = messages[row.recipient]
	assert message["List-Unsubscribe"] == f"<{clicks.unsubscribe_url(row.token)}>"
	assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
	raw = message.as_bytes(policy=message.policy.clone(refold_source="none"))  # as it was received
	assert (
		raw.count(b"List-Unsubscribe: <http") == 1
		and b"=?utf-8?" not in raw.split(b"\r\n\r\n")[0].split(b"List-Unsubscribe:")[1].split(b"\r\n")[0]
	)
	for kind in ("plain", "html"):
		assert clicks.unsubscribe_url(row.token) in body(message, kind)
		assert clicks.preferences_url(row.token) in body(message, kind)
	assert "Abmelden" in body(message, "html") and "Was wir Ihnen senden dürfen" in body(message, "html")
	assert row.legal_basis == rules.CONSENT and row.consent and not row.basis_proof


def test_a_mail_says_nothing_to_measure_it_by_unless_both_agree(mailing):
	"""Frappe's pixel reveals the name of a Communication, and is lost in its queue (platform facts 3.3)."""
	mailing.people(2)
	watched = mailing.address(0)
	decisions.record(
		None,
		watched,
		"Email",
		"Given",
		source="Seite",
		purpose=rules.TRACKING_PURPOSE,
		legal_basis=rules.CONSENT,
	)
	_campaign, messages = send(mailing, track_opens=1)
	found = {address: "/ri/" in body(message, "html") for address, message in messages.items()}
	assert found == {watched: True, mailing.address(1): False}
	_other, silent = send(mailing)
	assert not any("/ri/" in body(message, "html") for message in silent.values())
	frappe.db.delete("Relation Consent", {"address_key": watched})
	frappe.db.commit()


def test_an_existing_customer_is_written_to_with_the_notice_and_the_proof_is_kept(mailing):
	"""Store with the send the sale that proves § 7 (3) UWG; no other application derives it from sales."""
	group = factories.insert(
		"Item Group", item_group_name=factories.unique("Pumpen"), parent_item_group="All Item Groups"
	)
	customer, item = factories.customer(), factories.item()
	frappe.db.set_value("Item", item.name, "item_group", group.name)
	frappe.clear_document_cache("Item", item.name)
	invoice = factories.invoice(customer.name, [(item.name, 1, 100)], submit=False)
	invoice.contact_email = f"Anna <{mailing.address(0).upper()}>"
	invoice.submit()
	relation = identity.relation_of("Customer", customer.name)
	frappe.db.set_value("Relation", relation, {"email_id": mailing.address(0), "language": "de"})
	settings = frappe.get_doc("Relation Settings")
	settings.append(
		"objection_notices",
		{"company": COMPANY, "valid_from": add_months(nowdate(), -1), "text_version": "R1", "wording": "…"},
	)
	settings.save()
	mailing.relations.append(relation)
	try:
		campaign, messages = send(mailing, company=COMPANY, item_groups=[{"item_group": group.name}])
		(row,) = mailing.rows(campaign)
		assert (row.state, row.legal_basis, row.consent) == ("Sent", rules.EXISTING_CUSTOMER, None)
		assert invoice.name in row.basis_proof and group.name in row.basis_proof
		message = messages[mailing.address(0)]
		assert "ohne dass hierfür andere als die Übermittlungskosten" in body(message, "html")
		assert "Basistarifen" in body(message, "plain")
		other, none = send(mailing, company=COMPANY)
		assert not none and mailing.rows(other)[0].reason == rules.NO_CONSENT
	finally:
		frappe.db.rollback()
		settings = frappe.get_doc("Relation Settings")
		settings.objection_notices = []
		settings.save()
		invoice.reload().cancel()
		frappe.db.delete("Sales Invoice", {"name": invoice.name})
		frappe.delete_doc("Customer", customer.name, force=True)
		frappe.db.delete("Relation Facts Queue", {"party": ["in", [customer.name, relation]]})
		frappe.db.commit()


@pytest.mark.parametrize("spelling", ["A@Kunde.Example", "Anna <a@kunde.example>", "a+neu@kunde.example"])
def test_a_suppressed_address_gets_nothing_whatever_its_spelling(mailing, spelling):
	"""Guard against a failure of Frappe: only the exact spelling of an unsubscribed address is blocked.

	After "A@Kunde.de" has unsubscribed, "a@kunde.de" and "Anna <a@kunde.de>" still get email, because
	recipients are compared letter by letter (platform facts 3.2).
	"""
	domain = mailing.domain
	spelling = spelling.replace("kunde.example", domain).replace("Kunde.Example", domain.upper())
	mailing.person(email=spelling)
	decisions.record(None, f"a@{domain}", "Email", "Withdrawn", source="Brief")
	campaign, messages = send(mailing)
	assert not messages and [row.reason for row in mailing.rows(campaign)] == [rules.WITHDRAWN]
	frappe.db.delete("Relation Consent", {"address_key": ["like", f"%{domain}"]})
	frappe.db.commit()


def test_an_or_in_the_rule_leaks_nobody_who_has_unsubscribed(mailing):
	"""mautic#3239, #6636, #14662: OR and AND add unsubscribed people to a list.

	Consent is not a rule of a segment.
	"""
	mailing.people(2)
	decisions.record(None, mailing.address(0), "Email", "Withdrawn", source="Brief")
	_campaign, messages = send(mailing)
	assert set(messages) == {mailing.address(1)}
	frappe.db.delete("Relation Consent", {"address_key": ["like", f"%{mailing.domain}"]})
	frappe.db.commit()


def test_a_withdrawal_while_a_campaign_runs_reaches_what_is_planned(mailing):
	"""Frappe checks unsubscriptions when an email is queued, not when it is sent."""
	mailing.people(2)
	steps = [email_step(), email_step(title="Erinnerung", delay_days=3)]
	campaign, messages = send(mailing, steps=steps)
	assert len(messages) == 2
	decisions.record(mailing.relations[0], rules.ALL_ADDRESSES, "Email", "Withdrawn", source="Anruf")
	planned = mailing.rows(campaign, relation=mailing.relations[0], state="Suppressed")
	assert [row.reason for row in planned] == [rules.WITHDRAWN]
	assert len(mailing.rows(campaign, state="Pending")) == 1


# --- what must not revive an objection ------------------------------------------------------------------


@pytest.fixture
def objected():
	"""Return an address with an objection."""
	address = f"{frappe.generate_hash(length=8)}@kunde.example"
	decisions.record(
		None, address, "Email", "Withdrawn", source="Brief", given_at=add_days(now_datetime(), -1)
	)
	return address


def given(address, **values):
	return decisions.record(
		None, address, "Email", "Given", source="Liste", legal_basis=rules.CONSENT, **values
	)


def test_an_import_of_relations_and_contacts_brings_no_address_back(objected):
	frappe.flags.in_import = True
	try:
		factories.relation(kind="Person", email_id=objected.upper())
		factories.contact("Anna", "Muster", f"Anna <{objected}>".split("<")[1][:-1])
	finally:
		frappe.flags.in_import = False
	assert decisions.lookup(None, objected, "Email").reason == rules.WITHDRAWN


def test_an_import_of_consents_brings_no_address_back(objected):
	frappe.flags.in_import = True
	try:
		with pytest.raises(frappe.ValidationError, match="An import cannot lift that"):
			given(objected, proof="steht in der Liste")
		given(objected, given_at=add_days(now_datetime(), -9))
	finally:
		frappe.flags.in_import = False
	assert (
		decisions.lookup(None, objected, "Email").reason == rules.WITHDRAWN
	), "what was before does not lift it"


def test_an_objection_is_lifted_by_a_new_consent_with_its_proof_only(objected):
	with pytest.raises(frappe.ValidationError, match="Proof"):
		given(objected)
	given(objected, proof="Formular vom 3.11., unterschrieben")
	assert decisions.lookup(None, objected, "Email").allowed


def test_a_new_label_of_the_same_mailbox_brings_nobody_back(objected):
	local, _at, domain = objected.partition("@")
	with pytest.raises(frappe.ValidationError, match="objected"):
		given(f"{local}+neu@{domain}")


def test_an_objection_follows_its_relation_when_two_become_one():
	from crm_relations.relations.creation import merge

	kept, folded = factories.relation(kind="Person"), factories.relation(kind="Person")
	decisions.record(folded.name, rules.ALL_ADDRESSES, "Phone", "Withdrawn", source="Anruf")
	merge.merge_into(kept.name, folded.name)
	assert decisions.lookup(kept.name, "0221 123456", "Phone").reason == rules.WITHDRAWN
