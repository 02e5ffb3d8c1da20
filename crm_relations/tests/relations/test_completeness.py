"""Test the completeness of a relation: on the form, computed set-based, and who may configure it."""

import random

import frappe
import pytest

from crm_relations.crm_relations.report.incomplete_customers.incomplete_customers import execute
from crm_relations.relations.profiles import completeness, incomplete
from crm_relations.tests.support.factories import relation, unique, user

pytestmark = pytest.mark.site

COUNTED = [
	("Both", "email_id", None, 3),
	("Both", "phone", "mobile_no", 2),
	("Person", "date_of_birth", None, 1),
	("Organisation", "employees", "annual_revenue", 2),
	("Organisation", "industry", None, 5),
]


@pytest.fixture
def counted() -> None:
	settings = frappe.get_single("Relation Settings")
	settings.set("completeness_fields", [])
	for applies_to, field, alternative, weight in COUNTED:
		settings.append(
			"completeness_fields",
			{"applies_to": applies_to, "profile_field": field, "alternative": alternative, "weight": weight},
		)
	settings.save()


def stored(name: str) -> float:
	return frappe.db.get_value("Relation", name, "completeness")


def test_a_saved_relation_shows_how_much_of_it_is_filled_by_weight(counted):
	doc = relation(kind="Organisation", email_id="a@kunde.example")
	assert stored(doc.name) == 25  # 3 of 12
	doc.update({"mobile_no": "+49 221 1234", "annual_revenue": 5}).save()
	assert stored(doc.name) == 58  # 7 of 12
	person = relation(kind="Person", date_of_birth="1980-01-01", employees=0)
	assert stored(person.name) == 17  # 1 of 6
	assert completeness.missing("Person", person) == ["email_id", "phone"]
	assert completeness.missing_of(person.name) == ["Email", "Phone"]


def test_nobody_writes_the_figure_by_hand(counted):
	with pytest.raises(frappe.CannotChangeConstantError, match="Completeness"):
		relation(completeness=99)
	doc = relation()
	doc.completeness = 99
	with pytest.raises(frappe.CannotChangeConstantError, match="Completeness"):
		doc.save()


def test_the_set_based_figure_equals_the_one_of_the_form_for_random_files(counted):
	rng = random.Random(4711)
	names = []
	for _ in range(60):
		values = {
			"email_id": rng.choice([None, f"{unique('x').replace(' ', '')}@kunde.example".lower()]),
			"phone": rng.choice([None, "", "+49 221 1234"]),
			"mobile_no": rng.choice([None, "+49 170 1234"]),
			"date_of_birth": rng.choice([None, "1970-01-01"]),
			"employees": rng.choice([0, 7]),
			"annual_revenue": rng.choice([0, 0.5]),
		}
		names.append(relation(kind=rng.choice(["Person", "Organisation"]), **values).name)
	saved = {name: stored(name) for name in names}
	assert len(set(saved.values())) > 4
	frappe.db.set_value("Relation", {"name": ["in", names]}, "completeness", 1)
	completeness.recompute(names)
	assert {name: stored(name) for name in names} == saved


def test_a_figure_that_is_right_is_not_written_again(counted):
	name = relation(email_id="a@kunde.example").name
	frappe.db.set_value("Relation", name, "modified", "2020-01-01 00:00:00", update_modified=False)
	completeness.recompute([name])
	assert str(frappe.db.get_value("Relation", name, "modified")) == "2020-01-01 00:00:00"


def test_where_nothing_counts_nothing_is_missing():
	settings = frappe.get_single("Relation Settings")
	settings.set("completeness_fields", [])
	settings.save()
	name = relation().name
	assert stored(name) == 100
	frappe.db.set_value("Relation", name, "completeness", 1)
	completeness.recompute([name])
	assert stored(name) == 100


@pytest.mark.parametrize(
	("rows", "message"),
	[
		([("Both", "favourite_colour", None, 1)], "row 1: favourite_colour is not a field of a relation"),
		([("Both", "parties", None, 1)], "row 1: parties is not a field"),
		([("Both", "city", None, 1), ("Person", "city", None, 1)], "row 2: City counts twice"),
		([("Both", "city", None, 0)], "row 1: Weight must lie between 1 and 100"),
	],
)
def test_settings_that_cannot_be_measured_are_refused_with_row_and_field(rows, message):
	settings = frappe.get_single("Relation Settings")
	settings.set("completeness_fields", [])
	for applies_to, field, alternative, weight in rows:
		settings.append(
			"completeness_fields",
			{"applies_to": applies_to, "profile_field": field, "alternative": alternative, "weight": weight},
		)
	with pytest.raises(frappe.ValidationError, match=message):
		settings.save()


def test_the_figure_is_indexed():
	assert frappe.db.has_index("tabRelation", "completeness") or frappe.db.has_index(
		"tabRelation", "completeness_index"
	)


def test_the_queue_begins_with_the_most_revenue_behind_the_most_that_is_missing(counted):
	ours = "Rheinland Technik GmbH"
	rows = {
		"rich and empty": relation(unique("A")).name,
		"rich and fuller": relation(unique("B"), email_id="b@queue.example", phone="+49 221 1234").name,
		"poor and empty": relation(unique("C")).name,
		"no customer": relation(unique("D")).name,
	}
	for title, revenue in (("rich and empty", 1000), ("rich and fuller", 1000), ("poor and empty", 10)):
		frappe.db.set_value("Relation", rows[title], "stage", "Customer")
		doc = frappe.new_doc("Relation Facts")
		doc.update(
			{"relation": rows[title], "company": ours, "currency": "EUR", "revenue_12_months": revenue}
		)
		doc.set_new_name()
		doc.db_insert()

	def queue() -> list[dict]:
		found = incomplete.customers(ours, limit=1000)
		return [row for row in found if row["relation"] in rows.values()]

	titles = {name: title for title, name in rows.items()}
	assert [titles[row["relation"]] for row in queue()] == [
		"rich and empty",
		"rich and fuller",
		"poor and empty",
	]
	assert queue()[1]["missing"] == "Number of Employees, Industry" and queue()[0][incomplete.REVENUE] == 1000
	_columns, data = execute({"company": ours, "below": 20})
	assert {titles.get(row["relation"]) for row in data} & set(rows) == {"rich and empty", "poor and empty"}
	frappe.set_user(user(None, "Relation User"))
	assert {row[incomplete.REVENUE] for row in queue()} == {None}
