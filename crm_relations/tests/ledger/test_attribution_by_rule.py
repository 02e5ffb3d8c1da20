"""Test that invoices without a document flow to a campaign are attributed by the rule of their company.

Statement and ledger must still agree.
"""

import json
import os
from datetime import timedelta
from decimal import Decimal

import frappe
import pytest
from frappe.utils import add_days, now_datetime, nowdate
from hypothesis import note
from hypothesis import strategies as st

from crm_relations.demo.company import COMPANY, account
from crm_relations.ledger import api, checks
from crm_relations.ledger.attributions import attribution, queries
from crm_relations.ledger.attributions.attribution_models import RULES
from crm_relations.ledger.statements.statement import statement
from crm_relations.relations.identities import identity
from crm_relations.tests.ledger.test_chains import NIGHTLY, NOBODY, over_random_chains
from crm_relations.tests.pipeline.test_provenance import queries_of
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import assert_adds_up, campaign, credit_note, draft, sell
from crm_relations.tests.support.books.chain_changes import ChangingChain
from crm_relations.tests.support.books.chains import ZERO
from crm_relations.tests.support.books.sister import sister_company  # noqa: F401
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

CHAINS = int(os.environ.get("CRM_RELATIONS_CHAINS") or (100 if NIGHTLY else 8))


@pytest.fixture
def customer():
	return factories.customer().name


def rule(name: str = "Linear", days: int = 90, company: str = COMPANY, **values):
	frappe.db.delete("Relation Attribution Rule", {"company": company})
	return factories.insert(
		"Relation Attribution Rule", company=company, rule=name, days=days, enabled=1, **values
	)


def answer(customer: str, to: str, days_ago: float, kind: str = "Reply", **values) -> str:
	"""Record a response of the customer to a campaign."""
	relation = identity.relation_of("Customer", customer)
	key = {"campaign": to, "relation": relation}
	member = frappe.db.get_value("Relation Campaign Member", key)
	member = member or factories.insert("Relation Campaign Member", **key).name
	return factories.insert(
		"Relation Campaign Response",
		**key,
		member=member,
		response_type=kind,
		received_at=now_datetime() - timedelta(days=days_ago),
		**values,
	).name


def attribute() -> dict[str, int]:
	with held_back():
		return attribution.attribute_waiting()


def rows_of(invoice) -> list[tuple]:
	rows = frappe.get_all(
		"Relation Attribution",
		{"voucher_no": invoice.name},
		["campaign", "amount", "rule"],
		order_by="amount desc, campaign asc",
	)
	return [(row.campaign, row.amount, row.rule) for row in rows]


def test_the_rule_of_the_company_attributes_an_invoice_without_a_chain(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	answer(customer, spring, 30)
	answer(customer, spring, 20)
	answer(customer, autumn, 10)
	rule("Linear")
	invoice = sell(customer, [(None, 100)])
	assert not rows_of(invoice)
	attribute()
	assert rows_of(invoice) == [(spring, 66.67, "Linear"), (autumn, 33.33, "Linear")]
	result = statement(COMPANY, [spring, autumn])
	assert_adds_up(result)
	details = {row["campaign"]: row for row in result.as_dict()["details"]}
	assert (details[spring]["direct"], details[spring]["by_rule"]) == ("0.00", "66.67")


@pytest.mark.parametrize(("name", "whose"), [("Last Touch", 1), ("First Touch", 0)])
def test_last_and_first_touch_give_all_to_one(customer, name, whose):
	campaigns = [campaign("Frühling"), campaign("Herbst")]
	answer(customer, campaigns[0], 30)
	answer(customer, campaigns[1], 10)
	rule(name)
	invoice = sell(customer, [(None, 99.99)])
	attribute()
	assert rows_of(invoice) == [(campaigns[whose], 99.99, name)]


def test_the_chain_wins_over_the_rule(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	answer(customer, autumn, 1)
	rule("Last Touch")
	invoice = sell(customer, [(spring, 100), (None, 50)])
	attribute()
	assert rows_of(invoice) == [(spring, 100, "Document Flow")]


@pytest.mark.parametrize(
	"values",
	[
		{"days_ago": 40},
		{"days_ago": 1, "kind": "Unsubscribe"},
		{"days_ago": 1, "kind": "Opened"},
		{"days_ago": 1, "bot": 1, "bot_reason": "Test"},
		{"days_ago": 1, "kind": "Call", "answer": "Not Interested"},
		{"days_ago": -1},
	],
	ids=str,
)
def test_answers_that_speak_for_nothing_do_not_count(customer, values):
	answer(customer, campaign("Frühling"), **values)
	rule("Last Touch", 30)
	invoice = sell(customer, [(None, 100)])
	attribute()
	assert not rows_of(invoice)


def test_without_a_rule_nothing_is_attributed(customer):
	answer(customer, campaign("Frühling"), 1)
	rule("Last Touch").db_set("enabled", 0)
	invoice = sell(customer, [(None, 100)])
	attribute()
	assert not rows_of(invoice)


def test_a_campaign_of_another_company_earns_nothing_here(customer):
	other = factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	frappe.db.set_value("Relation Campaign", autumn, "company", other)
	answer(customer, spring, 20)
	answer(customer, autumn, 1)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	attribute()
	assert rows_of(invoice) == [(spring, 100, "Last Touch")]


def test_each_line_is_split_to_the_cent(customer):
	campaigns = [campaign(name) for name in ("A", "B", "C")]
	for name in campaigns:
		answer(customer, name, 5)
	rule("Linear")
	invoice = sell(customer, [(None, 0.01), (None, 100), (None, 33.34)])
	attribute()
	for line in invoice.items:
		rows = frappe.get_all(
			"Relation Attribution",
			{"voucher_detail_no": line.name},
			["amount", "share"],
			order_by="name asc",
		)
		assert len(rows) == 3
		assert sum(Decimal(str(row.amount)) for row in rows) == Decimal(str(line.base_net_amount))
		assert sum(Decimal(str(row.share)) for row in rows) == 1
	assert_adds_up(statement(COMPANY, campaigns))


def test_a_credit_note_is_taken_from_the_campaigns_that_had_earned_it(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	answer(customer, spring, 10)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)], posting_date=add_days(nowdate(), -5))
	attribute()
	answer(customer, autumn, 1)  # after the invoice, before the credit note
	note_ = credit_note(invoice)
	attribute()
	assert rows_of(note_) == [(spring, -100, "Last Touch")]
	with held_back():
		attribution.rebuild(COMPANY)
	assert rows_of(note_) == [(spring, -100, "Last Touch")]
	assert rows_of(invoice) == [(spring, 100, "Last Touch")]


def test_a_rebuild_follows_the_rule_of_today_and_can_be_run_again(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	answer(customer, spring, 30)
	answer(customer, autumn, 10)
	invoice = sell(customer, [(None, 100)])
	rule("First Touch")
	for _again in range(2):
		with held_back():
			attribution.rebuild(COMPANY)
		assert rows_of(invoice) == [(spring, 100, "First Touch")]
	rule("Last Touch")
	with held_back():
		attribution.rebuild(COMPANY)
	assert rows_of(invoice) == [(autumn, 100, "Last Touch")]
	assert_adds_up(statement(COMPANY, [spring, autumn]))


def test_the_job_run_again_writes_nothing_twice(customer):
	spring = campaign("Frühling")
	answer(customer, spring, 5)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	attribute()
	written = rows_of(invoice)
	assert attribute()["rows"] == 0
	assert rows_of(invoice) == written


def test_an_invoice_without_a_relation_finds_it_by_its_customer(customer):
	spring = campaign("Frühling")
	answer(customer, spring, 5)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	frappe.db.set_value("Sales Invoice", invoice.name, "relation", None)
	attribute()
	assert rows_of(invoice) == [(spring, 100, "Last Touch")]


def test_cancelling_takes_the_rows_of_a_rule_back(customer):
	spring = campaign("Frühling")
	answer(customer, spring, 5)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	attribute()
	invoice.reload().cancel()
	assert not rows_of(invoice)
	attribute()
	assert not rows_of(invoice)


def test_an_invoice_cancelled_while_the_job_runs_gets_no_rows(customer, monkeypatch):
	spring = campaign("Frühling")
	answer(customer, spring, 5)
	rule("Last Touch")
	invoice = sell(customer, [(None, 100)])
	found = queries.invoices_without_rows

	def then_cancelled(*arguments):
		names = found(*arguments)
		if invoice.name in names:
			invoice.reload().cancel()
		return names

	monkeypatch.setattr(queries, "invoices_without_rows", then_cancelled)
	attribute()
	assert frappe.db.get_value("Sales Invoice", invoice.name, "docstatus") == 2
	assert not rows_of(invoice)


def test_an_invoice_that_got_its_campaign_while_the_job_runs_keeps_the_chain(customer, monkeypatch):
	"""Keep what the submit wrote when the job writes the same, because a line has one row per campaign."""
	spring = campaign("Frühling")
	answer(customer, spring, 5)
	rule("Last Touch")
	invoice = sell(customer, [(spring, 100)])
	monkeypatch.setattr(
		queries, "invoices_without_rows", lambda after, *_rest: [invoice.name] if after == "" else []
	)
	attribute()
	assert rows_of(invoice) == [(spring, 100, "Document Flow")]


def test_the_rule_costs_the_submit_of_an_invoice_nothing(customer):
	frappe.db.delete("Relation Attribution Rule", {"company": COMPANY})
	answer(customer, campaign("Frühling"), 5)
	without = draft(customer, [(None, 100)])
	without.submit()
	before = queries_of(attribution.attribute, without)
	rule("Linear")
	with_rule = draft(customer, [(None, 100)])
	with_rule.submit()
	assert queries_of(attribution.attribute, with_rule) == before == 0


def test_many_invoices_cost_the_job_no_more_queries_than_one(customer):
	for name in ("A", "B"):
		answer(customer, campaign(name), 5)
	rule("Linear")
	attribute()
	counts = []
	for number in (1, 5):
		for _each in range(number):
			sell(customer, [(None, 100), (None, 50)])
		counts.append(queries_of(attribute))
	assert counts[0] == counts[1]


# Explained ------------------------------------------------------------------------------------------


def test_the_invoice_explains_the_rule_and_names_the_answers(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	first, second = answer(customer, spring, 30), answer(customer, autumn, 10)
	rule("Time Decay", half_life_days=20)
	invoice = sell(customer, [(None, 90)])
	attribute()
	why = api.explain_attribution(invoice.name)
	assert [
		(row["campaign"], row["amount"], row["share"], row["rule"]) for row in why["campaigns"]
	] == sorted([(spring, "30.00", "33.33", "Time Decay"), (autumn, "60.00", "66.67", "Time Decay")])
	evidence = {row["campaign"]: row["evidence"] for row in why["campaigns"]}
	assert [given["name"] for given in evidence[spring]["answers"]] == [first]
	assert [given["name"] for given in evidence[autumn]["answers"]] == [second]
	assert evidence[spring]["answers_in_all"] == 2 and evidence[spring]["half_life_days"] == 20
	assert why["rule"] == {"rule": "Time Decay", "days": 90, "half_life_days": 20}


def test_who_may_not_read_answers_learns_only_how_many_there_were(customer):
	spring = campaign("Frühling")
	name = answer(customer, spring, 3)
	rule("Last Touch")
	invoice = sell(customer, [(None, 90)])
	attribute()
	frappe.set_user(factories.user(None, "Accounts User"))
	why = api.explain_attribution(invoice.name)
	assert name not in json.dumps(why)
	assert why["campaigns"][0]["evidence"]["answers_of_campaign"] == 1


# Bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
	("values", "said"),
	[
		({"days": 0}, "Days"),
		({"days": 4000}, "Days"),
		({"rule": "Time Decay", "half_life_days": 0}, "Half-Life"),
	],
)
def test_a_rule_that_makes_no_sense_is_refused(values, said):
	with pytest.raises(frappe.ValidationError, match=said):
		rule(**{"name": values.pop("rule", "Linear"), **values})


def test_a_company_has_one_rule():
	rule("Linear")
	with pytest.raises(frappe.UniqueValidationError):
		factories.insert("Relation Attribution Rule", company=COMPANY, rule="Last Touch", days=3)


def test_check_finds_shares_that_are_not_one(customer):
	for name in ("A", "B"):
		answer(customer, campaign(name), 5)
	rule("Linear")
	invoice = sell(customer, [(None, 100)])
	attribute()
	assert invoice.name not in queries.attribution_unlike_invoice(COMPANY)
	row = frappe.get_all("Relation Attribution", {"voucher_no": invoice.name}, pluck="name", limit=1)[0]
	frappe.db.set_value("Relation Attribution", row, "share", 0.4)
	assert invoice.name in queries.attribution_unlike_invoice(COMPANY)
	frappe.db.set_value("Relation Attribution", row, {"share": 0.5, "amount": 50.01})
	assert invoice.name in queries.attribution_unlike_invoice(COMPANY)
	found = [finding for finding in checks.findings() if finding.code == "attribution-unequal"]
	assert invoice.name in found[0].message


# Deferred revenue, and everything at once -----------------------------------------------------------


def test_deferred_revenue_of_a_shared_line_is_shared_when_it_is_released(customer):
	campaigns = [campaign(name) for name in ("A", "B", "C")]
	for name in campaigns:
		answer(customer, name, 5)
	rule("Linear")
	deferred = account(COMPANY, "3900")
	doc = draft(customer, [(None, 100)])
	doc.items[0].enable_deferred_revenue = 1
	doc.items[0].deferred_revenue_account = deferred
	doc.items[0].service_start_date, doc.items[0].service_end_date = nowdate(), add_days(nowdate(), 30)
	doc.save()
	doc.submit()
	attribute()
	assert sum(row.by_rule for row in statement(COMPANY, campaigns).campaigns) == 0
	entry = frappe.get_doc(
		{
			"doctype": "Journal Entry",
			"company": COMPANY,
			"posting_date": nowdate(),
			"voucher_type": "Deferred Revenue",
			"accounts": [
				{"account": deferred, "debit_in_account_currency": 10, **_of_line(doc)},
				{
					"account": doc.items[0].income_account,
					"credit_in_account_currency": 10,
					**_of_line(doc),
				},
			],
		}
	)
	entry.insert()
	entry.submit()
	result = statement(COMPANY, campaigns)
	assert_adds_up(result)
	assert sorted(row.by_rule for row in result.campaigns) == [
		Decimal("3.33"),
		Decimal("3.33"),
		Decimal("3.34"),
	]


def _of_line(doc) -> dict:
	return {
		"reference_type": "Sales Invoice",
		"reference_name": doc.name,
		"reference_detail_no": doc.items[0].name,
	}


@pytest.mark.slow
def test_whatever_happens_to_the_vouchers_rule_and_chain_add_up_to_the_ledger(sister):
	@over_random_chains(
		CHAINS,
		st.sampled_from(RULES),
		st.lists(st.tuples(st.integers(0, 2), st.floats(0.1, 80)), min_size=1, max_size=5),
	)
	def add_up(currency, taxes, _everybody, course, name, answers):
		before = statement(COMPANY).not_attributed
		chain = ChangingChain(currency=currency, taxes=taxes)
		rule(name, 60)
		campaigns = [*chain.campaigns, campaign("Winter")]
		for whose, days_ago in answers:
			answer(chain.customer, campaigns[whose], days_ago)
		for step, *arguments in course:
			note(f"{step}{tuple(arguments)}")
			chain.do(step, *arguments)
			attribute()
			result = statement(COMPANY, campaigns)
			assert_adds_up(result)
			for whose, figures in enumerate(result.campaigns[:2]):
				assert figures.direct == chain.income(whose)
			by_rule = sum((figures.by_rule for figures in result.campaigns), ZERO)
			assert by_rule + result.not_attributed - before == chain.income(NOBODY)

	add_up()
