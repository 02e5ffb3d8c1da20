"""Test duplicates on a site: blocking keys, candidates on save, decisions, merge, undo and the full search."""

import json

import frappe
import pytest

from crm_relations.relations.creation import merge
from crm_relations.relations.duplicates import index, pairs, queries, search
from crm_relations.relations.identities import identity
from crm_relations.relations.merging import api, merge_snapshot, merging
from crm_relations.relations.network import links as relation_links
from crm_relations.tests.support import people
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.factories import contact, customer, insert, relation, unique, user

pytestmark = pytest.mark.site

HOME = {"address_line": "Hauptstraße 5", "pincode": "50667", "city": "Köln", "country": "Germany"}


def keys(name: str) -> set[str]:
	return queries.keys_of([name]).get(name, set())


def pair_of(one: str, other: str) -> dict | None:
	pair = queries.ordered(one, other)
	return queries.pairs_among({pair}).get(pair)


def twins(**values) -> tuple[str, str]:
	"""Create two relations that are one company."""
	tail = frappe.generate_hash(length=8)
	one = relation(f"Müller {tail} Bau GmbH & Co. KG", **HOME, **values)
	other = relation(
		f"Mueller {tail} Bau GmbH und Co KG",
		address_line="Hauptstr. 5",
		pincode="50667",
		city="Koeln",
		**values,
	)
	return one.name, other.name


# ── keys ───────────────────────────────────────────────────────────────────────────────────────


def test_keys_follow_the_relation_and_go_with_it():
	doc = relation(email_id="Info <INFO@Schluessel.de>", phone="0221 123456", website="www.schluessel.de")
	assert {"e:info@schluessel.de", "p:+49221123456", "w:schluessel.de"} <= keys(doc.name)
	doc.email_id = "neu@schluessel.de"
	doc.save()
	assert "e:neu@schluessel.de" in keys(doc.name)
	assert "e:info@schluessel.de" not in keys(doc.name)
	doc.disabled = 1
	doc.save()
	assert not keys(doc.name)
	doc.delete()
	assert not keys(doc.name)


def test_a_number_without_country_belongs_to_the_country_of_the_relation():
	assert "p:+33153400000" in keys(relation(phone="01 53 40 00 00", country="France").name)
	assert "p:+49221123456" in keys(relation(phone="0221 123456").name)


def test_tax_number_and_further_addresses_are_read_from_the_documents():
	number = "DE" + str(int(frappe.generate_hash(length=7), 16) + 10**8)
	bought = customer(tax_id=number)
	name = identity.relation_of("Customer", bought.name)
	assert f"v:{number[2:]}" in keys(name)
	bought.tax_id = "DE999888777"
	bought.save()
	assert "v:999888777" in keys(name)
	person = contact("Anna", unique("Zweitadresse"), "anna.eins@schluessel.de")
	person.append("email_ids", {"email_id": "anna.zwei@schluessel.de"})
	person.save()
	assert {"e:anna.eins@schluessel.de", "e:anna.zwei@schluessel.de"} <= keys(
		identity.relation_of("Contact", person.name)
	)


def test_further_contact_points_are_keys_too():
	doc = relation(contact_points=[{"point_type": "Mobile", "value": "0171 7654321"}])
	assert "p:+491717654321" in keys(doc.name)


def test_keys_are_written_for_many_in_a_few_statements():
	names = in_bulk(60)
	with sent_statements() as sent:
		assert index.refresh_keys(names) == 60
	assert len(sent) < 15
	assert index.refresh_keys(names) == 0
	assert all(keys(name) for name in names)


def in_bulk(count: int, seed: int = 7) -> list[str]:
	"""Insert relations without their events, as sync does."""
	columns = [f for f in queries.FIELDS if f not in ("tax_id", "country")]
	values, true = people.generate(count, seed=seed)
	in_bulk.true = true
	prefix = frappe.generate_hash(length=6)
	rows = [(f"{prefix}{name}", *(row.get(c) for c in columns)) for name, row in values.items()]
	frappe.db.bulk_insert("Relation", ["name", *columns], rows)
	frappe.db.set_value("Relation", {"name": ["like", f"{prefix}%"]}, "modified", frappe.utils.now())
	in_bulk.true = {(prefix + one, prefix + other) for one, other in true}
	return [row[0] for row in rows]


# ── candidates on save ─────────────────────────────────────────────────────────────────────────


def test_candidates_are_found_on_save_with_reasons():
	one, other = twins()
	row = pair_of(one, other)
	assert row["state"] == "Open"
	assert row["probability"] > 95
	assert {"name_same", "street_same"} <= set(row["reasons"].split())
	(found,) = api.candidates(one)
	assert found["other"] == other
	assert found["reasons"][0]["weight"] > 0


def test_agreements_and_differences_are_both_told():
	one, other = twins()
	frappe.get_doc("Relation", other).update({"address_line": "Hauptstr. 9"}).save()
	(found,) = api.candidates(one)
	weights = [reason["weight"] for reason in found["reasons"]]
	assert max(weights) > 0
	assert min(weights) < 0


def test_a_relation_keeps_its_likeliest_open_pairs_only():
	from crm_relations.relations.duplicates.matching import Candidate

	hub = relation("Nabe GmbH").name
	others = [relation(f"Speiche {number} GmbH").name for number in range(pairs.MAX_OPEN + 3)]
	likely = {name: 0.6 + number / 100 for number, name in enumerate(others)}
	pairs.propose(Candidate(*queries.ordered(hub, name), likely[name], []) for name in others[:8])
	pairs.propose(Candidate(*queries.ordered(hub, name), likely[name], []) for name in others[8:])
	stored = {
		row["other"] if row["relation"] == hub else row["relation"] for row in queries.pairs_of(hub, "Open")
	}
	assert stored == set(others[3:])


def test_a_pair_that_somebody_corrected_is_no_candidate_any_more():
	one, other = twins()
	doc = frappe.get_doc("Relation", other)
	doc.update(
		{"relation_name": "Ganz anders AG", "address_line": "Ring 9", "pincode": "80331", "city": "München"}
	)
	doc.save()
	assert not pair_of(one, other)


def test_the_look_up_reads_an_index_and_no_whole_table():
	name = twins()[0]
	record = queries.records([name])[name]
	plan = frappe.db.sql("EXPLAIN " + queries.sharing_query(record.keys).get_sql(), as_dict=True)
	looked_up = [row for row in plan if row["table"] == "tabRelation Blocking Key"]
	assert looked_up
	assert {row["key"] for row in looked_up} == {"value_relation"}
	assert {row["type"] for row in looked_up} <= {"ref", "range"}


def test_a_save_costs_a_fixed_number_of_statements():
	one = relation(unique("Einzelfirma"), **HOME)
	with sent_statements() as sent:
		index.refresh_for_relation(one)
		search.look_for_relation(one)
	assert len(sent) < 30


def test_a_failing_search_never_keeps_a_relation_from_being_saved(monkeypatch):
	def broken(*_arguments):
		raise RuntimeError("broken")

	monkeypatch.setattr(queries, "sharing", broken)
	doc = relation(unique("Trotzdem"), **HOME)
	assert frappe.db.exists("Relation", doc.name)


@pytest.mark.parametrize(
	("field", "value"),
	[
		("relation_name", "Ä" * 140),
		("address_line", "5" * 140),
		("website", "http://" + "x" * 120),
		("city", "\\'%_"),
	],
)
def test_odd_values_are_searched_for_all_the_same(field, value):
	doc = relation(
		**{"name": unique("Seltsam"), field: value} if field != "relation_name" else {"name": value}
	)
	assert api.candidates(doc.name) == []


def test_two_customers_with_one_e_mail_are_a_candidate_and_not_one_relation():
	address = f"{frappe.generate_hash(length=8)}@gemeinsam.example"
	one, other = (
		identity.relation_of("Customer", with_email(unique("Gemeinsam"), address)) for _number in range(2)
	)
	assert one != other
	assert pair_of(one, other)["state"] == "Open"


def with_email(name: str, address: str) -> str:
	doc = customer("Gemeinsam " + address.split("@")[0])
	person = contact("Info", name, address, [("Customer", doc.name)])
	doc.customer_primary_contact = person.name
	doc.save()
	return doc.name


# ── decisions ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["Different", "Later", "Same"])
def test_a_decided_pair_is_never_proposed_again(state):
	one, other = twins()
	api.decide(pair_of(one, other)["name"], state)
	frappe.get_doc("Relation", one).save()
	frappe.get_doc("Relation", other).update({"city": "Köln"}).save()
	assert pair_of(one, other)["state"] == state
	assert (
		frappe.db.get_value("Relation Duplicate", pair_of(one, other)["name"], "decided_by")
		== "Administrator"
	)
	if state != "Same":
		assert api.candidates(one) == []


def test_an_unknown_decision_is_refused_with_the_known_ones():
	one, other = twins()
	with pytest.raises(frappe.ValidationError, match="Open"):
		api.decide(pair_of(one, other)["name"], "Perhaps")


def test_a_decision_goes_over_when_one_side_is_merged_and_the_firmer_one_holds():
	one, other = twins()
	third = relation("Dritte", **HOME).name
	pairs.propose([pairs.Candidate(*queries.ordered(other, third), 0.9, ["name_same"])])
	api.decide(pair_of(other, third)["name"], "Different")
	pairs.propose([pairs.Candidate(*queries.ordered(one, third), 0.9, ["name_same"])])
	merging.merge(one, other)
	assert pair_of(one, third)["state"] == "Different"
	assert not queries.pairs_of(other)


def test_a_fold_by_documents_carries_decisions_too():
	one, other = twins()
	third = relation("Dritte", **HOME).name
	pairs.propose([pairs.Candidate(*queries.ordered(other, third), 0.9, [])])
	api.decide(pair_of(other, third)["name"], "Later")
	merge.merge_into(one, other)
	assert pair_of(one, third)["state"] == "Later"
	assert not keys(other)
	assert not frappe.db.exists("Relation", other)


# ── merge and undo ─────────────────────────────────────────────────────────────────────────────


def rich_twins() -> tuple[str, str]:
	"""Create two relations with documents, roles, links, interactions, a segment, comments and a file each."""
	pair = []
	for city in ("Köln", "Bonn"):
		name = identity.relation_of("Customer", customer(unique("Reich")).name)
		friend = relation(kind="Person").name
		relation_links.link(friend, "works for", name)
		insert("Relation Interaction", relation=name, kind="Call", subject="Anruf")
		frappe.get_doc("Relation", name).add_comment("Comment", f"Aus {city}")
		insert("ToDo", description="Nachfassen", reference_type="Relation", reference_name=name)
		frappe.db.set_value("Relation", name, "city", city)
		pair.append(name)
	frappe.db.set_value("Relation", pair[1], {"notes": "Nur hier", "phone": "0221 55"})
	segment = insert("Relation Segment", segment_name=unique("Dubletten"), kind="Manual").name
	for name in pair:
		insert("Relation Segment Member", segment=segment, relation=name, entered=frappe.utils.now())
	for name in pair:
		insert(
			"Relation Consent",
			relation=name,
			channel="Email",
			address=f"{name}@example.com",
			purpose="Advertising",
			event="Withdrawn",
			given_at="2026-01-01",
			source="Test",
		)
	index.refresh_keys(pair)
	return pair[0], pair[1]


def everything(*names: str) -> dict:
	"""Return all records that name these relations, to compare a site with an earlier state."""
	reading = merge_snapshot.read(*names)
	pointers = {key: rows for key, rows in reading.pointers.items() if rows}
	return json.loads(
		json.dumps([reading.rows, sorted((list(k), v) for k, v in pointers.items())], sort_keys=True)
	)


def test_a_merge_brings_everything_to_the_kept_relation():
	keep, other = rich_twins()
	customers = {name for _doctype, name in identity.parties_of(keep) + identity.parties_of(other)}
	merging.merge(keep, other)
	assert {name for _doctype, name in identity.parties_of(keep)} == customers
	assert not frappe.db.exists("Relation", other)
	kept = frappe.get_doc("Relation", keep)
	assert (kept.city, kept.notes) == ("Köln", "Nur hier")
	assert frappe.db.count("Relation Interaction", {"relation": keep}) == 2
	assert len(queries.keys_of([keep, other])) == 1
	assert all(frappe.db.exists("Customer", name) for name in customers)


def test_undoing_a_merge_restores_both_exactly():
	keep, other = rich_twins()
	before, keys_before = everything(keep, other), queries.keys_of([keep, other])
	done = merging.merge(keep, other, take=["city"])
	assert frappe.db.get_value("Relation", keep, "city") == "Bonn"
	assert merging.undo(done) == []
	frappe.db.delete("Relation Merge", {"name": done})
	assert everything(keep, other) == before
	assert queries.keys_of([keep, other]) == keys_before


@pytest.mark.parametrize("seed", range(4))
def test_undoing_restores_whatever_the_two_had(seed):
	"""Draw random members, links, decisions and roles on both sides."""
	import random

	rng = random.Random(seed)
	names = [relation(unique(f"Zufall {number}"), **HOME).name for number in range(4)]
	keep, other, *rest = names
	for _step in range(12):
		one = rng.choice((keep, other))
		kind = rng.randrange(5)
		if kind == 0:
			relation_links.link(one, "recommended by", rng.choice(rest))
		elif kind == 1:
			insert("Relation Interaction", relation=one, kind="Call", subject=f"Gespräch {_step}")
		elif kind == 2:
			frappe.get_doc("Relation", one).add_comment("Comment", f"Nr. {_step}")
		elif kind == 3:
			frappe.db.set_value("Relation", one, rng.choice(("notes", "phone", "website")), f"Wert {_step}")
		else:
			pair = queries.ordered(one, rng.choice(rest))
			pairs.propose([pairs.Candidate(*pair, 0.8, [])])
			pairs.decide(queries.pairs_among({pair})[pair]["name"], rng.choice(pairs.DECISIONS))
	index.refresh_keys([keep, other])
	before = everything(keep, other)
	done = merging.merge(keep, other)
	merging.undo(done)
	frappe.db.delete("Relation Merge", {"name": done})
	assert everything(keep, other) == before


def test_what_happened_after_the_merge_stays_with_the_kept_relation():
	keep, other = rich_twins()
	done = merging.merge(keep, other)
	later = insert("Relation Interaction", relation=keep, kind="Visit", subject="Danach").name
	frappe.get_doc("Relation", keep).update({"notes": "Danach geschrieben"}).save()
	left = merging.undo(done)
	assert frappe.db.get_value("Relation Interaction", later, "relation") == keep
	assert frappe.db.get_value("Relation", keep, "notes") == "Danach geschrieben"
	assert frappe.db.get_value("Relation", other, "notes") == "Nur hier"
	assert any("notes" in line for line in left)


def test_a_merge_is_undone_once_and_the_later_one_first():
	keep, other = rich_twins()
	third = relation(unique("Dritte")).name
	first = merging.merge(keep, other)
	second = merging.merge(third, keep)
	with pytest.raises(frappe.ValidationError, match="first"):
		merging.undo(first)
	merging.undo(second)
	merging.undo(first)
	assert frappe.db.exists("Relation", keep)
	assert frappe.db.exists("Relation", other)
	with pytest.raises(frappe.ValidationError, match="already"):
		merging.undo(first)


def test_undone_as_different_is_not_proposed_again():
	one, other = twins()
	merging.undo(merging.merge(one, other), different=True)
	frappe.get_doc("Relation", one).save()
	assert pair_of(one, other)["state"] == "Different"


def test_a_deleted_relation_leaves_no_keys_pairs_or_merges_behind():
	one, other = twins()
	third = relation(unique("Dritte")).name
	merging.merge(one, third)
	frappe.get_doc("Relation", one).delete()
	assert not keys(one)
	assert not queries.pairs_of(other)
	assert not frappe.db.exists("Relation Merge", {"folded": third})


def test_the_preview_says_what_goes_where_and_changes_nothing():
	keep, other = rich_twins()
	before = everything(keep, other)
	shown = merging.preview(keep, other)
	assert everything(keep, other) == before
	assert {"doctype": "Relation Interaction", "count": 1} in shown["moves"]
	assert {row["relation"] for row in shown["parties"]} == {keep, other}
	city = next(row for row in shown["fields"] if row["fieldname"] == "city")
	assert (city["kept"], city["other"], city["result"], city["choice"]) == ("Köln", "Bonn", "Köln", True)


def test_a_person_and_an_organisation_are_not_merged():
	with pytest.raises(frappe.ValidationError, match="kind"):
		merging.merge(relation(kind="Person").name, relation(kind="Organisation").name)
	same = relation().name
	with pytest.raises(frappe.ValidationError, match="itself"):
		merging.merge(same, same)


def test_only_fields_of_the_preview_can_be_taken_over():
	keep, other = rich_twins()
	with pytest.raises(frappe.ValidationError, match="stage"):
		merging.merge(keep, other, take=["stage"])


# ── rights ─────────────────────────────────────────────────────────────────────────────────────


def test_who_may_not_delete_a_relation_may_not_merge_it_but_decide():
	one, other = twins()
	pair = pair_of(one, other)["name"]
	done = merging.merge(*rich_twins())
	frappe.set_user(user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		api.merge(one, other)
	with pytest.raises(frappe.PermissionError):
		api.undo(done)
	assert api.decide(pair, "Same") == "Same"


def test_who_may_not_read_relations_sees_no_candidates():
	one, other = twins()
	pair = pair_of(one, other)["name"]
	frappe.set_user(user(None, "Purchase User"))
	for call in (
		lambda: api.candidates(one),
		lambda: api.compare(pair),
		lambda: api.preview(one, other),
		lambda: api.decide(pair, "Different"),
	):
		with pytest.raises(frappe.PermissionError):
			call()


def test_the_date_of_birth_is_no_reason_for_who_may_not_read_it():
	born = {"kind": "Person", "first_name": "Anna", "date_of_birth": "1980-05-04", **HOME}
	tail = unique("Geburtstag")
	one, other = (relation(f"Anna {tail}", last_name=tail, **born).name for _number in range(2))
	assert "Date of birth is the same" in [reason["text"] for reason in api.candidates(one)[0]["reasons"]]
	assert any(row["fieldname"] == "date_of_birth" for row in api.preview(one, other)["fields"])
	frappe.set_user(user(None, "Relation User"))
	assert "Date of birth is the same" not in [reason["text"] for reason in api.candidates(one)[0]["reasons"]]
	assert not any(row["fieldname"] == "date_of_birth" for row in api.preview(one, other)["fields"])


# ── the search over all relations ──────────────────────────────────────────────────────────────


@pytest.fixture
def no_commit(monkeypatch):
	"""Disable the commit of the search after each page, so that the test can roll back."""
	commits = []
	monkeypatch.setattr(frappe.db, "commit", lambda *_a, **_k: commits.append(1))
	monkeypatch.setattr(search, "PAGE", 40)
	frappe.db.delete(
		"Singles", {"doctype": search.SEARCH}
	)  # a run that was interrupted on this site does not belong to this test
	return commits


def open_among(names: list[str]) -> set[tuple[str, str]]:
	inside = set(names)
	rows = frappe.get_all(
		"Relation Duplicate", filters={"state": "Open"}, fields=["relation", "other"], order_by="name asc"
	)
	return {(row.relation, row.other) for row in rows if row.relation in inside and row.other in inside}


def test_the_search_finds_what_the_engine_finds_in_memory(no_commit):
	from crm_relations.relations.duplicates import matching

	names = in_bulk(300)
	steps = []
	search.search(on_progress=lambda done, total: steps.append((done, total)))
	records = queries.records(names)
	assert open_among(names) == {(c.one, c.other) for c in matching.find(records)}
	assert len(no_commit) > 3
	assert steps[-1][0] == steps[-1][1]
	precision, recall, _f1 = matching.quality(open_among(names), in_bulk.true)
	assert min(precision, recall) > 0.9


class Killed(Exception):
	pass


def test_a_killed_search_goes_on_where_it_stopped_and_doubles_nothing(no_commit):
	names = in_bulk(300)
	calls = []

	def kill(done: int, total: int) -> None:
		calls.append(done)
		if len(calls) == 3:
			raise Killed

	with pytest.raises(Killed):
		search.search(on_progress=kill)
	stopped = frappe.db.get_single_value("Relation Duplicate Search", "position", cache=False)
	assert stopped
	found_before = open_among(names)
	search.search()
	whole = open_among(names)
	assert found_before <= whole
	state = frappe.db.get_single_value("Relation Duplicate Search", "state", cache=False)
	assert state == "Done"
	frappe.db.delete("Relation Duplicate", {"state": "Open"})
	search.search()
	assert open_among(names) == whole


def test_a_second_search_proposes_nothing_that_is_decided(no_commit):
	names = in_bulk(200)
	search.search()
	decided = sorted(open_among(names))
	for pair in decided:
		pairs.decide(queries.pairs_among({pair})[pair]["name"], "Different")
	assert search.search() == 0
	assert not open_among(names)
