"""Test events, figures and custom fields in rules: results, words, explanations and permissions."""

from datetime import datetime
from zoneinfo import ZoneInfo

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.campaigns.consents import decisions
from crm_relations.interactions import log
from crm_relations.relations.facts import build
from crm_relations.relations.network.links import link
from crm_relations.segments import api, checks
from crm_relations.segments.compilation import compiler
from crm_relations.segments.description import describe_rule, explanation
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language.rules import RuleError
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def event(key: str, *where: dict, **values) -> dict:
	return {"event": key, "where": list(where), **values}


def rule(*children: dict, kind: str = "all") -> dict:
	return {"version": 1, kind: list(children)}


def fits(relation: str, *children: dict) -> bool:
	return compiler.matches(rule(*children), relation)


def told(relation: str, child: dict) -> dict:
	(leaf,) = explanation.explain(rule(child), relation)["children"]
	return leaf


def relation_of(customer: str) -> str:
	return frappe.db.get_value("Relation Party", {"party": customer, "party_type": "Customer"}, "parent")


def buyer(*sales: tuple[float, float, int]) -> tuple[str, str, list]:
	"""Create a relation that bought an item: (quantity, rate, days ago)."""
	customer, item = factories.customer().name, factories.item().name
	invoices = [
		factories.invoice(customer, [(item, quantity, rate)], posting_date=add_days(nowdate(), -ago))
		for quantity, rate, ago in sales
	]
	return relation_of(customer), item, invoices


# ── on real documents ──────────────────────────────────────────────────────────────────────────


def test_bought_counts_invoices_and_adds_up_their_lines_less_what_came_back():
	relation, item, (old, late) = buyer((2, 100, 200), (3, 50, 5))
	factories.invoice(late.customer, [(item, -1, 50)], is_return=1, return_against=late.name)
	it = condition("item", "=", item)
	assert fits(relation, event("bought", it, operator="=", value=2))
	assert fits(relation, event("bought", it, measure="amount", operator="=", value=300))
	assert fits(relation, event("bought", it, measure="quantity", operator="=", value=4))
	assert fits(relation, event("bought", it, condition("date", "last days", 90), operator="=", value=1))
	assert not fits(relation, event("bought", it, condition("date", "before days", 300)))
	late.reload()
	old.cancel()
	assert fits(relation, event("bought", it, operator="=", value=1))


def test_item_groups_are_asked_with_all_that_lies_below_them():
	relation, _item, _sold = buyer((1, 10, 0))
	parent = frappe.db.get_value("Item Group", "Services", "parent_item_group")
	assert fits(relation, event("bought", condition("item_group", "within", parent)))
	assert not fits(relation, event("bought", condition("item_group", "=", parent)))
	assert fits(relation, event("bought", condition("item_group", "not within", "Products")))


def test_a_company_is_asked_for_in_an_event_of_figures():
	relation, _item, (sold,) = buyer((1, 1000, 1))
	build.refresh([relation])
	high = condition("revenue_total", ">=", 1000)
	assert fits(relation, high)
	assert fits(relation, event("figures", condition("company", "=", sold.company), high))
	assert not fits(relation, event("figures", condition("company", "=", "Another AG"), high))
	assert fits(
		factories.relation().name, condition("revenue_total", "<", 1), condition("last_order", "is empty")
	)


def test_who_works_for_a_company_of_a_segment():
	boss, other = factories.relation().name, factories.relation().name
	person, stranger = (factories.relation(kind="Person").name for _n in range(2))
	link(person, "works for", boss)
	link(stranger, "works for", other)
	segment = factories.segment().name
	membership.add_members(segment, [boss])
	asked = event(
		"relationship",
		condition("type", "=", "works for"),
		condition("direction", "=", "From the Relation"),
		condition("segment", "=", segment),
	)
	assert fits(person, asked) and not fits(stranger, asked) and not fits(boss, asked)
	assert fits(boss, event("relationship", condition("direction", "=", "To the Relation")))


def test_contacts_are_interactions_e_mails_and_calls():
	relation = factories.relation(email_id="wir@seg.example").name
	log.record(relation, "Call", "Angebot besprochen", outcome="Successful")
	log.record(relation, "Complaint", "Zu spät", outcome="Open")
	factories.insert(
		"Communication",
		communication_type="Communication",
		communication_medium="Email",
		subject="Ihre Frage",
		content="…",
		sent_or_received="Received",
		reference_doctype="Relation",
		reference_name=relation,
	)
	today = condition("date", "=", nowdate())
	assert fits(relation, event("contact", today, operator="=", value=3))
	assert fits(relation, event("called", condition("outcome", "=", "Successful")))
	assert fits(relation, event("wrote", condition("direction", "=", "Incoming"), operator="=", value=1))
	assert fits(relation, event("complained", condition("outcome", "!=", "Solved")))
	assert fits(relation, event("met", operator="=", value=0))


def test_consent_is_asked_for_as_it_is_in_force():
	relation = factories.relation(email_id="a@seg.example").name
	given = event("consent", condition("channel", "=", "Email"), condition("purpose", "=", "Marketing"))

	def record(kind: str, days_ago: int, basis: str | None = None) -> None:
		decisions.record(
			relation,
			"a@seg.example",
			"Email",
			kind,
			source="Messe",
			legal_basis=basis,
			given_at=add_days(frappe.utils.now_datetime(), -days_ago),
			proof="Unterschrift am Stand",
		)

	assert not fits(relation, given)
	record("Given", 30, "Consent, Art. 6 (1) (a) GDPR")
	assert fits(relation, given)
	assert decisions.lookup(relation, "a@seg.example", "Email").allowed
	record("Withdrawn", 20)
	assert not fits(relation, given) and fits(relation, event("objection"))
	assert not decisions.lookup(relation, "a@seg.example", "Email").allowed
	record("Given", 10, "Consent, Art. 6 (1) (a) GDPR")
	assert fits(relation, given) and not fits(relation, event("objection"))
	assert decisions.lookup(relation, "a@seg.example", "Email").allowed


def test_lost_with_a_reason():
	reason = factories.insert("Opportunity Lost Reason", lost_reason=factories.unique("Zu teuer")).name
	lead = factories.lead()
	relation = frappe.db.get_value("Relation Party", {"party": lead.name, "party_type": "Lead"}, "parent")
	deal = factories.insert(
		"Opportunity",
		opportunity_from="Lead",
		party_name=lead.name,
		opportunity_amount=500,
		company=frappe.defaults.get_global_default("company"),
		currency="EUR",
	)
	assert fits(relation, event("opportunity", condition("status", "=", "Open")))
	deal.declare_enquiry_lost([{"lost_reason": reason}], [])
	assert fits(relation, event("opportunity_lost", condition("reason", "=", reason)))
	assert not fits(relation, event("opportunity_lost", condition("reason", "!=", reason)))


# ── explained ──────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_told_with_its_documents_newest_first():
	relation, item, (old, late) = buyer((1, 100, 60), (1, 70, 5))
	lately = event("bought", condition("item", "=", item), condition("date", "last days", 30))
	leaf = told(relation, lately)
	assert (leaf["verdict"], leaf["value"]) == (True, "1")
	assert [document["name"] for document in leaf["documents"]] == [late.name]
	assert "70" in leaf["documents"][0]["text"]
	amount = told(relation, event("bought", measure="amount", operator=">", value=200))
	assert amount["verdict"] is False and "170" in amount["value"]
	assert [document["name"] for document in amount["documents"]] == [late.name, old.name]
	never = told(factories.relation().name, event("bought"))
	assert (never["verdict"], never["value"], never["documents"], never["more"]) == (False, "0", [], 0)


def test_contacts_are_told_with_their_day_and_subject():
	relation = factories.relation().name
	name = log.record(relation, "Meeting", "Werksbesichtigung")
	(document,) = told(relation, event("met"))["documents"]
	assert (document["doctype"], document["name"]) == ("Relation Interaction", name)
	assert frappe.format(nowdate(), "Date") in document["text"] and "Werksbesichtigung" in document["text"]


def test_more_documents_than_are_shown_are_counted():
	relation = factories.relation().name
	for number in range(explanation.DOCUMENTS + 2):
		log.record(relation, "Visit", f"Besuch {number}")
	leaf = told(relation, event("met", operator=">=", value=10))
	assert len(leaf["documents"]) == explanation.DOCUMENTS
	assert leaf["more"] == 2


def test_customers_and_segments_are_told_as_documents():
	customer = factories.customer()
	relation = relation_of(customer.name)
	leaf = told(relation, condition("customer_group", "within", "All Customer Groups"))
	assert (leaf["verdict"], leaf["value"]) == (True, "Commercial")
	assert [document["name"] for document in leaf["documents"]] == [customer.name]
	segment = factories.segment().name
	membership.add_members(segment, [relation])
	leaf = told(relation, condition("segment", "=", segment))
	assert [document["name"] for document in leaf["documents"]] == [segment]


def test_a_role_with_its_dates_is_told_with_what_proves_it():
	relation, _item, (sold,) = buyer((1, 100, 0))
	leaf = told(relation, event("roles", condition("role", "=", "Customer"), condition("until", "is empty")))
	assert leaf["verdict"] is True
	assert ("Sales Invoice", sold.name) in {(one["doctype"], one["name"]) for one in leaf["documents"]}


def test_a_figure_is_told_with_the_documents_behind_it():
	relation, _item, (sold,) = buyer((1, 123, 1))
	build.refresh([relation])
	leaf = told(relation, condition("revenue_total", ">", 100))
	assert leaf["verdict"] is True and "123" in leaf["value"]
	assert [document["name"] for document in leaf["documents"]] == [sold.name]
	log.record(relation, "Complaint", "Kratzer")
	build.refresh([relation])
	leaf = told(relation, condition("complaints", "=", 1))
	assert (leaf["value"], len(leaf["documents"])) == ("1", 1)


# ── permissions ────────────────────────────────────────────────────────────────────────────────


def test_events_on_documents_are_not_offered_told_or_counted_without_the_right_to_read_these():
	relation, item, _sold = buyer((1, 100, 0))
	user = factories.user(None, "Relation User")
	frappe.set_user(user)
	offered = {one["key"] for one in api.get_catalogue()}
	assert not offered & {"bought", "ordered", "figures", "revenue_total", "opportunity", "customer_group"}
	assert {"contact", "consent", "relationship", "roles", "complaints"} <= offered
	frappe.set_user(factories.user(None, "Sales User"))
	offered = {one["key"] for one in api.get_catalogue()}
	assert {"contact", "ordered", "complaints"} <= offered
	assert not offered & {"in_campaign", "was_sent", "clicked", "answered", "consent"}
	frappe.set_user(user)
	asked = event("bought", condition("item", "=", item))
	for tree in (rule(asked), rule({"any": [{"none": [asked]}, condition("city", "=", "x")]})):
		with pytest.raises(frappe.PermissionError, match="Sales Invoice"):
			api.preview(tree)
	leaf = told(relation, asked)
	assert (leaf["hidden"], leaf["verdict"], leaf["value"], leaf["documents"]) == (True, None, None, [])


def test_a_segment_on_invoices_is_not_saved_by_who_may_not_read_them():
	frappe.set_user(factories.user(None, "Relation Manager"))
	with pytest.raises(frappe.PermissionError, match="Bought"):
		factories.segment(kind="Dynamic", rule=frappe.as_json(rule(event("bought"))))


def test_confidential_fields_are_neither_offered_nor_asked_for():
	frappe.set_user(factories.user(None, "Relation User"))
	assert not {"date_of_birth", "income_group"} & {one["key"] for one in api.get_catalogue()}
	with pytest.raises(frappe.PermissionError, match="confidential"):
		api.preview(rule(condition("date_of_birth", "anniversary within", 14)))


def test_who_is_kept_to_some_customers_does_not_learn_what_others_bought():
	mine, _item, (sold,) = buyer((1, 100, 0))
	other, _item, _sold = buyer((1, 100, 0))
	user = factories.user(None, "Relation User", "Accounts User", "Sales User")
	factories.insert("User Permission", user=user, allow="Customer", for_value=sold.customer)
	frappe.set_user(user)
	today = event("bought", condition("date", "=", nowdate()))
	names = {row["name"] for row in api.preview(rule(today), limit=100)["sample"]}
	assert mine in names and other not in names
	turned = {"none": [event("bought", condition("date", "=", nowdate()), operator="=", value=0)]}
	assert other not in {row["name"] for row in api.preview(rule(turned), limit=100)["sample"]}
	assert told(mine, today)["hidden"] is False
	assert told(other, today)["hidden"] is True


# ── in words ───────────────────────────────────────────────────────────────────────────────────


WORDS = [
	(event("bought"), "has bought", "hat gekauft"),
	(event("bought", operator="=", value=0), "has never bought", "hat nie gekauft"),
	(event("bought", operator=">=", value=3), "has bought at least 3 times", "hat mindestens 3-mal gekauft"),
	(
		event("called", operator="=", value=1),
		"was on the telephone with us exactly once",
		"hat genau einmal mit uns telefoniert",
	),
	(
		event("bought", condition("item_group", "within", "Seg World"), condition("date", "last days", 90)),
		"has bought (Item Group is in or below “Seg World” and Date is within the last 90 days)",
		"hat gekauft (Artikelgruppe ist in oder unterhalb von „Seg World“ und Datum liegt in den letzten 90 Tagen)",
	),
	(
		event(
			"bought", condition("date", "this period", "quarter"), measure="amount", operator=">=", value=500
		),
		"Bought: Amount (net) is at least 500.00 (Date is in this quarter)",
		"Gekauft: Betrag (netto) ist mindestens 500.00 (Datum liegt in diesem Quartal)",
	),
	(
		event("bought", measure="quantity", operator="between", value=[1, 2]),
		"Bought: Quantity is between 1.00 and 2.00",
		"Gekauft: Menge liegt zwischen 1.00 und 2.00",
	),
	(
		condition("date_of_birth", "anniversary within", 14),
		"Date of Birth has its anniversary within the next 14 days",
		"Geburtsdatum jährt sich in den nächsten 14 Tagen",
	),
	(condition("stage_since", "next days", 0), "Stage Since is today", "Phase seit ist heute"),
	(
		condition("last_order", "last period", "year"),
		"Last Order is in the last year",
		"Letzter Auftrag liegt im letzten Jahr",
	),
]


@pytest.fixture
def plain_numbers(monkeypatch):
	monkeypatch.setattr(describe_rule, "fmt_money", lambda amount: f"{amount:.2f}")


@pytest.mark.parametrize(("child", "english", "german"), WORDS)
def test_events_and_periods_in_words(child, english, german, plain_numbers):
	assert describe_rule.describe(rule(child)) == english
	frappe.local.lang = "de"
	try:
		assert describe_rule.describe(rule(child)) == german
	finally:
		frappe.local.lang = "en"


def test_a_whole_rule_in_words_is_one_sentence():
	text = describe_rule.describe(
		rule(
			condition("kind", "=", "Person"),
			{"any": [event("bought", operator=">", value=1), event("met")]},
			{"none": [event("complained", condition("outcome", "!=", "Solved"))]},
		)
	)
	assert text == (
		"Kind is “Person” and (has bought more than once or has met us)"
		" and none of (has complained (Outcome is not “Solved”))"
	)


# ── the catalogue ──────────────────────────────────────────────────────────────────────────────


def test_the_builder_is_told_events_with_measures_operators_and_fields():
	offered = {one["key"]: one for one in api.get_catalogue()}
	bought = offered["bought"]
	assert (bought["type"], bought["group"]) == ("event", "Sales")
	assert [(one["value"], one["type"]) for one in bought["measures"]] == [
		("count", "integer"),
		("amount", "amount"),
		("quantity", "amount"),
	]
	assert all(one["label"] for one in (*bought["measures"], *bought["operators"], *bought["fields"]))
	fields = {one["key"]: one for one in bought["fields"]}
	assert list(fields) == ["date", "item", "item_group", "brand", "company"]
	assert (fields["item_group"]["is_tree"], fields["item_group"]["doctype"]) == (True, "Item Group")
	assert offered["territory"]["is_tree"] and not offered["city"]["is_tree"]
	assert offered["revenue_total"]["rankable"] and not offered["role"]["rankable"]


def test_every_event_has_labels_sentences_and_distinct_fields():
	for one in catalogue.fields().values():
		if isinstance(one, catalogue.Event):
			assert "{0}" in str(one.phrase) and "{0}" not in str(one.never)
			assert one.label and one.group and one.document
			assert len({field.key for field in one.own}) == len(one.own)
			assert not {field.key for field in one.own} & set(one.measures)


def test_another_app_declares_fields_and_a_taken_key_is_an_error(monkeypatch):
	ours = catalogue.Field("my_city", "My City", "Mine", "text", catalogue.Column("city"))
	again = catalogue.Field("city", "City Again", "Mine", "text", catalogue.Column("city"))
	path = "another_app.segment_fields.FIELDS"
	get_hooks = frappe.get_hooks
	monkeypatch.setattr(
		frappe,
		"get_hooks",
		lambda *args, **kwargs: [path] if args == (catalogue.HOOK,) else get_hooks(*args, **kwargs),
	)
	get_attr = frappe.get_attr
	monkeypatch.setattr(
		frappe, "get_attr", lambda wanted: (ours, again) if wanted == path else get_attr(wanted)
	)
	frappe.local.relation_segment_catalogue = None
	try:
		assert catalogue.fields()["my_city"] is ours
		assert str(catalogue.fields()["city"].label) == "City"
		assert catalogue.taken_keys() == [(path, "city")]
		findings = [one for one in checks.findings() if one.code == "segment-field-taken"]
		assert len(findings) == 1 and "city" in findings[0].message
	finally:
		monkeypatch.undo()
		frappe.local.relation_segment_catalogue = None


def test_check_names_values_that_are_gone_within_events():
	relation = factories.relation().name
	item = factories.item()
	gone = event("bought", {"any": [condition("item", "in", [item.name, "No Such Item"])]})
	name = factories.segment(kind="Dynamic", rule=frappe.as_json(rule({"all": [gone]}))).name
	messages = [one.message for one in checks.findings() if name in one.message]
	assert len(messages) == 1
	assert "all[0].all[0].where[0].any[0]" in messages[0] and "No Such Item" in messages[0]
	assert not fits(relation, gone)


INJECTIONS = [
	"' OR '1'='1",
	"x') UNION SELECT `password` FROM `__Auth` -- ",
	"%(param1)s",
	"\\' OR 1=1 -- ",
	"{0.__class__}",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_injected_values_within_events_are_only_values(text):
	for key, one in catalogue.fields().items():
		if not isinstance(one, catalogue.Event):
			continue
		for field in one.own:
			if field.type in ("option", "text", "tree", "set") and not field.choices:
				for operator in ("=", "within") if field.type == "tree" else ("=",):
					asked = rule(event(key, condition(field.key, operator, text)))
					assert not compiler.compile_rule(asked).run()
			else:
				with pytest.raises(RuleError):
					compiler.compile_rule(rule(event(key, condition(field.key, "=", text))))
		for broken in (
			event(text),
			event(key, condition(text, "=", "x")),
			event(key, measure=text, value=1),
			event(key, operator=text),
			event(key, value=text),
		):
			with pytest.raises(RuleError):
				compiler.compile_rule(rule(broken))


@pytest.mark.parametrize("text", INJECTIONS)
def test_the_statement_is_the_same_whatever_the_value_in_an_event(text):
	def statement(value: str) -> tuple[str, dict]:
		asked = event(
			"bought", condition("item", "=", value), condition("brand", "in", [value]), operator=">", value=2
		)
		return compiler.compile_rule(rule(asked)).walk()

	harmless, _parameters = statement("Apple")
	query, parameters = statement(text)
	assert query == harmless
	assert list(parameters.values()).count(text.strip()) == 2


def test_today_is_the_day_of_the_sites_clock():
	"""Compare two islands with clocks 25 hours apart, which never have the same date."""
	days = []
	for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
		frappe.db.set_single_value("System Settings", "time_zone", zone)
		frappe.clear_cache()
		today = datetime.now(ZoneInfo(zone)).date()
		relation = factories.relation(date_of_birth=today, kind="Person").name
		assert fits(
			relation, condition("date_of_birth", "last days", 1), condition("date_of_birth", "next days", 0)
		)
		assert fits(relation, condition("date_of_birth", "anniversary within", 0))
		days.append(today)
	assert days[0] != days[1]


def test_custom_fields_of_the_site_are_asked_for_and_go_with_it():
	field = factories.insert(
		"Custom Field", dt="Customer", fieldname="seg_loyalty", fieldtype="Int", label="Loyalty", permlevel=0
	)
	try:
		frappe.clear_cache(doctype="Customer")
		one = catalogue.fields()["customer.seg_loyalty"]
		assert (str(one.label), str(one.group), one.type) == (
			"Loyalty",
			"Custom Fields of Customer",
			"integer",
		)
		loyal, other = factories.customer(seg_loyalty=7), factories.customer()
		high = condition("customer.seg_loyalty", ">=", 5)
		assert fits(relation_of(loyal.name), high) and not fits(relation_of(other.name), high)
		assert fits(relation_of(other.name), condition("customer.seg_loyalty", "is empty"))
		assert told(relation_of(loyal.name), high)["value"] == "7"
		segment = factories.segment(kind="Dynamic", rule=frappe.as_json(rule(high))).name
		frappe.delete_doc("Custom Field", field.name, force=True)
		frappe.clear_cache(doctype="Customer")
		assert "customer.seg_loyalty" not in catalogue.fields()
		broken = [
			one for one in checks.findings() if one.code == "segment-rule-broken" and segment in one.message
		]
		assert len(broken) == 1 and "all[0].field" in broken[0].message
	finally:  # adding a column has committed only the field
		frappe.db.rollback()
		frappe.delete_doc("Custom Field", field.name, force=True)
		frappe.db.commit()
		frappe.clear_cache(doctype="Customer")
