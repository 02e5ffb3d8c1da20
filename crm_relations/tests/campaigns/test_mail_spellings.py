"""Test that unsubscriptions elsewhere on the site are found in every spelling, and by an index."""

import frappe
import pytest

from crm_relations.campaigns.consents import address_variants, decisions
from crm_relations.shared.contact_keys import email_key
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site

SPELLINGS = [
	"A@Kunde.Example",
	" a@kunde.example",
	"Anna <A@KUNDE.example>",
	'"M, A" <a@kunde.example>',
	"Anna &lt;a@kunde.example&gt;",
	"mailto:a@kunde.example",
	"a\u200b@kunde.example",
]
KEY = "a@kunde.example"


def written(doctype: str, name: str, field: str, text: str) -> None:
	"""Store a value as an import or another app would: no event, no clean-up."""
	frappe.db.set_value(doctype, name, field, text, update_modified=False)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_unsubscription_that_came_by_another_way_is_found_after_the_nightly_look(spelling, monkeypatch):
	monkeypatch.setattr(frappe.db, "commit", lambda *a, **k: None)
	one = factories.insert("Email Unsubscribe", email="x@y.example", global_unsubscribe=1)
	contact = factories.contact("Anna", "Muster", "x@y.example")
	contact.db_set("unsubscribed", 1)
	lead = factories.lead(email_id="x@z.example", unsubscribed=1)
	for doctype, name, field in (
		("Email Unsubscribe", one.name, "email"),
		("Contact Email", contact.email_ids[0].name, "email_id"),
		("Lead", lead.name, "email_id"),
	):
		written(doctype, name, field, spelling)
		address_variants.learn()
		assert KEY in decisions.suppressions({KEY}), doctype
		written(doctype, name, field, "x@y.example")
		assert decisions.suppressions({KEY}) == {}, "the documents alone say who has unsubscribed"


def test_a_saved_document_notes_its_odd_spellings_at_once():
	factories.insert("Email Unsubscribe", email="Anna <B@Kunde.example>", global_unsubscribe=1)
	assert address_variants.known(["b@kunde.example"]) == [
		"Anna &lt;B@Kunde.example&gt;"
	], "as Frappe cleans it"
	assert "b@kunde.example" in decisions.suppressions({"b@kunde.example"})
	contact = factories.contact("Anna", "Muster", "plain@kunde.example")
	contact.email_ids[0].email_id = "c@müller.example"
	address_variants.note(contact)
	address_variants.note(contact)
	assert address_variants.known([email_key("c@müller.example")]) == ["c@müller.example"]


def test_plain_addresses_are_not_noted():
	factories.contact("Anna", "Muster", "Plain.Person@kunde.example")
	assert address_variants.known(["plain.person@kunde.example"]) == []


def test_spellings_that_the_database_takes_for_one_are_kept_apart():
	for address in (
		"d@müller.example",
		"mailto:d@muller.example",
		"d@mÜller.example",
		"mailto:d@müller.example",
	):
		address_variants.note(frappe.get_doc({"doctype": "Email Unsubscribe", "email": address}))
	assert address_variants.known(["d@muller.example"]) == ["mailto:d@muller.example"]
	assert len(address_variants.known([email_key("d@müller.example")])) == 3


def test_the_lookup_reads_along_an_index_and_no_table_as_a_whole(monkeypatch):
	run, asked = frappe.db.sql, []

	def listening(query, values=(), *arguments, **options):
		asked.append((str(query), values))
		return run(query, values, *arguments, **options)

	decisions.suppressions({"warm@kunde.example"})
	monkeypatch.setattr(frappe.db, "sql", listening)
	decisions.suppressions({f"nobody{i}@kunde.example" for i in range(100)})
	monkeypatch.undo()
	assert len(asked) >= 5, "dead addresses, spellings, unsubscriptions, contacts, leads"
	for text, values in asked:
		assert " LIKE " not in text.upper() and " RLIKE " not in text.upper()
		for row in frappe.db.sql(f"EXPLAIN {text}", values, as_dict=True):
			# MariaDB may still scan a small table; what counts is that there is a key for it
			assert row.possible_keys or "no matching row" in (row.Extra or ""), (row, text)


def test_a_hundred_addresses_cost_no_more_queries_than_one():
	decisions.suppressions({"warm@kunde.example"})
	with sent_statements() as one:
		decisions.suppressions({"x0@kunde.example"})
	with sent_statements() as many:
		decisions.suppressions({f"x{i}@kunde.example" for i in range(100)})
	assert len(many) == len(one)
