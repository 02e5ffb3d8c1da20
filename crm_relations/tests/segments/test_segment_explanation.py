"""Test the explanation of why a relation is in a segment, or is not."""

import random

import frappe
import pytest
from frappe.model.document import Document
from frappe.utils import getdate, nowdate

from crm_relations.segments import api
from crm_relations.segments.compilation import compiler
from crm_relations.segments.description import explanation
from crm_relations.segments.fields import catalogue
from crm_relations.segments.language import rules
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def rule(*children: dict, kind: str = "all") -> dict:
	return {"version": 1, kind: list(children)}


def segment(tree: dict) -> str:
	return factories.insert(
		"Relation Segment", segment_name=factories.unique("Warum"), kind="Dynamic", rule=frappe.as_json(tree)
	).name


def invoice(customer: str, amount: float, **values) -> Document:
	return factories.invoice(customer, [(factories.item().name, 1, amount)], **values)


def leaves(node: dict) -> list[dict]:
	return [
		leaf for child in node["children"] for leaf in (leaves(child) if "children" in child else [child])
	]


def test_each_condition_is_told_with_value_and_verdict():
	relation = factories.relation(city="Bonn", country="France", employees=0).name
	tree = rule(
		condition("city", "=", "bonn"),
		{"none": [condition("employees", ">", 10), condition("has_email", "=", True)]},
		{"any": [condition("country", "=", "Germany"), condition("city", "contains", "x")]},
	)
	answer = explanation.explain(tree, relation)
	assert answer["verdict"] is False
	assert [(child["kind"], child["verdict"]) for child in answer["children"][1:]] == [
		("none", True),
		("any", False),
	]
	said = {leaf["path"]: (leaf["words"], leaf["value"], leaf["verdict"]) for leaf in leaves(answer)}
	assert said["all[0]"] == ("City is “bonn”", "Bonn", True)
	assert said["all[1].none[0]"] == ("Number of Employees is more than 10", "empty", False)
	assert said["all[2].any[1]"] == ("City contains “x”", "Bonn", False)


def test_a_figure_names_the_invoices_that_it_is_made_of():
	customer = factories.customer().name
	sold = [invoice(customer, amount).name for amount in (100, 70)]
	credit_note = factories.invoice(
		customer, [(factories.item().name, -1, 20)], is_return=1, return_against=sold[0]
	).name
	cancelled = invoice(customer, 500)
	cancelled.cancel()
	relation = frappe.db.get_value("Relation Party", {"party": customer, "party_type": "Customer"}, "parent")
	tree = rule(condition("revenue_12_months", ">=", 150), condition("last_invoice_date", "=", nowdate()))
	revenue, last = leaves(explanation.explain(tree, relation))
	assert revenue["verdict"] and "150" in revenue["value"]
	assert {document["name"] for document in revenue["documents"]} == {*sold, credit_note}
	assert {document["name"] for document in last["documents"]} == set(sold)
	assert revenue["more"] == last["more"] == 0


def test_a_role_names_the_document_that_proves_it():
	customer = factories.customer().name
	sold = invoice(customer, 100)
	relation = frappe.db.get_value("Relation Party", {"party": customer, "party_type": "Customer"}, "parent")
	(leaf,) = leaves(explanation.explain(rule(condition("role", "=", "Customer")), relation))
	assert leaf["verdict"] and "Customer" in leaf["value"]
	assert ("Sales Invoice", sold.name) in {(d["doctype"], d["name"]) for d in leaf["documents"]}


def test_what_rests_on_invoices_is_closed_to_who_may_not_read_them():
	relation = factories.relation(city="Bonn").name
	name = segment(
		rule(
			condition("city", "=", "Bonn"),
			{"any": [condition("revenue_12_months", "<", 10), condition("city", "=", "Ulm")]},
		)
	)
	membership.refresh(name)
	frappe.set_user(factories.user(None, "Relation User"))
	answer = api.explain(name, relation)
	assert answer["member"] and answer["rule"]["verdict"] is True
	city, group = answer["rule"]["children"]
	assert city["verdict"] is True
	assert group["verdict"] is None
	closed = group["children"][0]
	assert closed["hidden"] and closed["words"].startswith("Revenue of the Last 12 Months is less than")
	assert (closed["verdict"], closed["value"], closed["documents"], closed["more"]) == (None, None, [], 0)


def test_a_segment_says_since_when_and_a_manual_one_who_put_it_in():
	relation = factories.relation(city=factories.unique("Ort"))
	name = segment(rule(condition("city", "=", relation.city)))
	assert api.explain(name, relation.name)["member"] is False
	membership.refresh(name)
	answer = api.explain(name, relation.name)
	assert answer["member"] and getdate(answer["entered"]) == getdate() and answer["added_by"] is None
	manual = factories.insert("Relation Segment", segment_name=factories.unique("Hand"), kind="Manual").name
	membership.add_members(manual, [relation.name])
	answer = api.explain(manual, relation.name)
	assert answer["member"] and answer["added_by"] == "Administrator" and answer["rule"] is None


def test_a_relation_or_segment_that_is_not_there_is_named():
	name = segment(rule(condition("city", "=", "x")))
	with pytest.raises(frappe.DoesNotExistError, match="no-such"):
		explanation.of_segment(name, "no-such")
	with pytest.raises(frappe.DoesNotExistError, match="no-such"):
		explanation.of_segment("no-such", factories.relation().name)


def test_who_may_not_read_the_relation_gets_no_explanation():
	name, relation = segment(rule(condition("city", "=", "x"))), factories.relation().name
	frappe.set_user(factories.user(None, "Accounts User"))
	with pytest.raises(frappe.PermissionError):
		api.explain(name, relation)


def test_the_verdict_is_that_of_the_statement_for_every_field_and_operator():
	dice = random.Random(11)
	values = {
		"integer": 3,
		"amount": 10,
		"date": nowdate(),
		"check": True,
	}
	relation = factories.relation(city="Köln", employees=3, country="Germany").name
	for field in catalogue.plain().values():
		for operator in rules.operators_of(field):
			value = values.get(field.type, dice.choice(field.choices) if field.choices else "Germany")
			if operator in rules.DAYS:
				value = 30
			elif operator in rules.IN_PERIOD:
				value = dice.choice(rules.PERIODS)
			elif operator in ("in", "not in"):
				value = [value]
			elif operator == "between":
				value = [value, value]
			elif operator.startswith("is "):
				value = None
			tree = rule(condition(field.key, operator, value))
			(leaf,) = leaves(explanation.explain(tree, relation))
			assert leaf["verdict"] is compiler.matches(tree, relation), (field.key, operator)
			assert isinstance(leaf["value"], str) and leaf["value"]
