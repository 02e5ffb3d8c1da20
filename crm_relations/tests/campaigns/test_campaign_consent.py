"""Test how consent is stored: append-only, by address, and in addition to the site's own suppressions."""

import frappe
import pytest
from frappe.utils import add_days, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions as consent
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site

SPELLINGS = [
	"a@kunde.example",
	"A@Kunde.Example",
	" a@kunde.example ",
	"Anna <A@KUNDE.example>",
	'"M, A" <a@kunde.example>',
]


def give(relation=None, address="a@kunde.example", **values):
	values = {"source": "Formular", "legal_basis": rules.CONSENT, **values}
	return consent.record(relation, address, "Email", "Given", **values)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_withdrawal_holds_for_every_spelling(spelling):
	name = give()
	assert consent.lookup(None, spelling, "Email").consent == name
	consent.record(None, spelling, "Email", "Withdrawn", source="Brief")
	for other in SPELLINGS:
		decision = consent.lookup(None, other, "Email")
		assert not decision.allowed and decision.reason == "Consent withdrawn"


def test_an_address_in_an_international_domain_is_one_address():
	give(address="a@müller.example")
	assert consent.lookup(None, "A@xn--mller-kva.example", "Email").allowed
	factories.insert("Email Unsubscribe", email="a@müller.example", global_unsubscribe=1)
	assert not consent.lookup(None, "a@xn--mller-kva.example", "Email").allowed


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_global_unsubscription_of_the_site_blocks(spelling):
	"""Frappe compares recipients letter by letter and misses other spellings (platform facts 3.2)."""
	give()
	factories.insert("Email Unsubscribe", email=spelling, global_unsubscribe=1)
	assert "Unsubscribed" in consent.lookup(None, "a@kunde.example", "Email").reason


def test_an_unsubscribed_contact_blocks():
	"""frappe.sendmail ignores Contact.unsubscribed (platform facts 3.2)."""
	give()
	contact = factories.contact("Anna", "Muster", "A@kunde.example")
	assert consent.lookup(None, "a@kunde.example", "Email").allowed
	contact.unsubscribed = 1
	contact.save()
	assert consent.lookup(None, "a@kunde.example", "Email").reason == "Unsubscribed in the contact"


def test_an_unsubscribed_lead_blocks():
	"""frappe.sendmail also ignores Lead.unsubscribed (platform facts 3.2)."""
	give()
	lead = factories.lead(email_id="A@kunde.example")
	assert consent.lookup(None, "a@kunde.example", "Email").allowed
	lead.unsubscribed = 1
	lead.save()
	assert consent.lookup(None, "a@kunde.example", "Email").reason == "Unsubscribed in the lead"


def test_another_apps_suppressions_are_asked(monkeypatch):
	give()
	monkeypatch.setattr(
		frappe,
		"get_hooks",
		lambda name=None, *a, **k: [f"{__name__}.block"] if name == consent.SUPPRESSION_HOOK else [],
	)
	monkeypatch.setattr(frappe, "get_attr", lambda path: lambda keys: dict.fromkeys(keys, "Elsewhere"))
	assert consent.suppressions({"a@kunde.example"}) == {"a@kunde.example": "Elsewhere"}


def test_a_telephone_number_is_one_number_however_written():
	relation = factories.relation(kind="Person")
	consent.record(
		relation.name, "0221 / 123-456", "Phone", "Given", source="Messe", legal_basis=rules.CONSENT
	)
	assert consent.lookup(relation.name, "+49221123456", "Phone").allowed
	assert consent.lookup(relation.name, "0049 221 123456", "Phone").allowed


def test_a_business_may_be_called_unless_the_setting_or_an_objection_forbids():
	firm, person = factories.relation(), factories.relation(kind="Person")
	assert consent.lookup(firm.name, "0221 123456", "Phone").legal_basis == rules.PRESUMED_CONSENT
	assert not consent.lookup(person.name, "0221 123456", "Phone").allowed
	frappe.db.set_single_value("Relation Settings", "calls_need_consent", 1)
	frappe.clear_document_cache("Relation Settings", "Relation Settings")
	assert not consent.lookup(firm.name, "0221 123456", "Phone").allowed


def test_things_can_be_seen_as_they_stood():
	give(given_at=add_days(now_datetime(), -10))
	consent.record(
		None, "a@kunde.example", "Email", "Withdrawn", source="Mail", given_at=add_days(now_datetime(), -5)
	)
	assert consent.lookup(None, "a@kunde.example", "Email", at=add_days(now_datetime(), -7)).allowed
	assert not consent.lookup(None, "a@kunde.example", "Email").allowed
	assert not consent.lookup(None, "a@kunde.example", "Email", at=add_days(now_datetime(), -11)).allowed


def test_an_event_can_neither_be_changed_nor_deleted():
	doc = frappe.get_doc("Relation Consent", give())
	doc.source = "Anders"
	with pytest.raises(frappe.ValidationError, match="cannot be changed"):
		doc.save()
	with pytest.raises(frappe.ValidationError, match="cannot be deleted"):
		frappe.delete_doc("Relation Consent", doc.name)


@pytest.mark.parametrize(
	("values", "message"),
	[
		({"address": "no address"}, "Address"),
		({"legal_basis": None}, "Legal Basis"),
		({"given_at": "2999-01-01 00:00:00"}, "Time"),
	],
)
def test_a_wrong_event_is_refused_with_the_field(values, message):
	with pytest.raises(frappe.ValidationError, match=message):
		give(**values)


def test_many_addresses_cost_no_more_queries_than_one():
	for i in range(20):
		give(address=f"p{i}@kunde.example")
	consent.decide_many({"warm@up.example": False}, "Email", "Marketing")
	with sent_statements() as for_one:
		consent.decide_many({"p0@kunde.example": False}, "Email", "Marketing")
	people = {f"p{i}@kunde.example": False for i in range(20)}
	with sent_statements() as for_many:
		decisions = consent.decide_many(people, "Email", "Marketing")
	assert all(decision.allowed for decision in decisions.values())
	assert len(for_many) == len(for_one) > 0


def test_an_address_that_several_share_is_silent_if_one_of_them_objects():
	first, second = factories.relation(), factories.relation()
	consent.record(second.name, rules.ALL_ADDRESSES, "Phone", "Withdrawn", source="Anruf")
	rows = [
		frappe._dict(recipient="+49221123456", relation=doc.name, relation_kind="Organisation")
		for doc in (first, second)
	]
	campaign = frappe._dict(purpose="Marketing")
	for order in (rows, rows[::-1]):
		assert consent.decide_for(campaign, order, "Phone")["+49221123456"].reason == rules.WITHDRAWN
	assert consent.decide_for(campaign, rows[:1], "Phone")["+49221123456"].allowed


def test_of_two_spellings_of_a_domain_with_sharp_s_each_is_its_own():
	give(address="a@straße.example")
	assert consent.lookup(None, "A@STRAßE.example", "Email").allowed
	assert not consent.lookup(None, "a@strasse.example", "Email").allowed


def test_an_objection_holds_for_the_whole_mailbox_and_consent_for_one_address():
	give(address="anna+shop@kunde.example")
	assert not consent.lookup(None, "anna@kunde.example", "Email").allowed
	give(address="anna@kunde.example")
	consent.record(None, "Anna+Shop@kunde.example", "Email", "Withdrawn", source="Link")
	for address in ("anna@kunde.example", "anna+neu@kunde.example", "ANNA+SHOP@KUNDE.EXAMPLE"):
		assert consent.lookup(None, address, "Email").reason == rules.WITHDRAWN
	assert consent.lookup(None, "an.na@kunde.example", "Email").reason == rules.NO_CONSENT


@pytest.mark.parametrize(
	"values",
	[{"event": "Given", "legal_basis": rules.CONSENT}, {"event": "Withdrawn"}],
)
def test_all_addresses_stand_for_an_objecting_relation_only(values):
	with pytest.raises(frappe.ValidationError, match="all addresses"):
		consent.record(None, "*", "Phone", source="x", **values)
