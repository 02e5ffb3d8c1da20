"""Test the options and attributes of the profile, confidential fields and the history of changes."""

import json
from collections.abc import Iterator

import frappe
import pytest
from frappe.client import get as client_get
from frappe.client import get_list as client_get_list
from frappe.client import get_value as client_get_value
from frappe.desk.form.load import getdoc
from frappe.desk.reportview import get as list_view

from crm_relations.relations.profiles import attributes, history
from crm_relations.segments import api as segments_api
from crm_relations.segments.compilation import compiler
from crm_relations.setup import install, seed
from crm_relations.tests.support import factories
from crm_relations.tests.support.factories import insert, relation, unique, user

pytestmark = pytest.mark.site

HIGH, LOW = "Income Group: high", "Income Group: low"
CONFIDENTIAL = {
	"income_group": HIGH,
	"risk_attitude": "Risk Attitude: risk-averse",
	"date_of_birth": "1980-02-29",
}


# ── options ────────────────────────────────────────────────────────────────────────────────────


def test_defaults_that_an_admin_changed_or_deleted_stay_so_at_the_next_migrate():
	kept = frappe.get_doc("Relation Profile Option", "Education: university")
	kept.update({"option_value": "Hochschule", "sort_order": 99, "disabled": 1}).save()
	for name in frappe.get_all("Relation Profile Option", {"attribute": "Income Group"}, pluck="name"):
		frappe.delete_doc("Relation Profile Option", name)
	attribute = frappe.get_doc("Relation Profile Attribute", "Age Group")
	attribute.update({"description": "Nur mit Einwilligung", "sort_order": 40}).save()
	install.set_up()
	assert not frappe.db.exists(
		"Relation Profile Option", {"attribute": "Income Group"}
	), "all of them are gone"
	now = frappe.get_doc("Relation Profile Option", kept.name)
	assert (now.option_value, now.sort_order, now.disabled) == ("Hochschule", 99, 1)
	assert frappe.db.get_value("Relation Profile Attribute", "Age Group", ["description", "sort_order"]) == (
		"Nur mit Einwilligung",
		40,
	)


def test_fields_that_count_are_seeded_once():
	frappe.db.delete("Relation Completeness Field")
	seed.seed()
	assert not frappe.db.count("Relation Completeness Field")


def test_an_option_is_offered_once_and_not_for_an_attribute_of_numbers():
	with pytest.raises(frappe.ValidationError, match="Option: Education has an option university already"):
		insert("Relation Profile Option", attribute="Education", option_value=" university ")
	option = insert("Relation Profile Option", attribute="Education", option_value="doctorate", sort_order=0)
	assert option.name == "Education: doctorate"


def test_a_standard_attribute_cannot_be_deleted_but_hidden():
	with pytest.raises(frappe.ValidationError, match="Disable it instead"):
		frappe.delete_doc("Relation Profile Attribute", "Income Group")
	doc = frappe.get_doc("Relation Profile Attribute", "Education")
	doc.applies_to = "Both"
	with pytest.raises(frappe.ValidationError, match="Applies to of a standard attribute"):
		doc.save()
	doc.reload()
	doc.update({"disabled": 1, "confidential": 1}).save()
	field = frappe.get_meta("Relation").get_field("education")
	assert field.hidden and field.permlevel == 1
	doc.update({"disabled": 0, "confidential": 0}).save()
	field = frappe.get_meta("Relation").get_field("education")
	assert not field.hidden and not field.permlevel
	assert not frappe.db.exists("Property Setter", {"doc_type": "Relation", "field_name": "education"})


# ── custom attributes ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def define() -> Iterator:
	"""Define attributes, and delete them afterwards, because a new column commits."""
	made = []

	def make(label: str, **values):
		doc = insert("Relation Profile Attribute", label=unique(label), **values)
		made.append(doc.name)
		return doc

	yield make
	frappe.db.rollback()
	frappe.set_user("Administrator")
	for name in made:
		if not frappe.db.exists("Relation Profile Attribute", name):
			continue
		fieldname = frappe.db.get_value("Relation Profile Attribute", name, "fieldname")
		table = frappe.qb.DocType("Relation")
		number = frappe.get_meta("Relation").get_field(fieldname).fieldtype in ("Int", "Float", "Check")
		frappe.qb.update(table).set(table[fieldname], 0 if number else None).run()
		frappe.delete_doc("Relation Profile Attribute", name)
	frappe.db.commit()


def test_an_attribute_of_ones_own_is_a_field_of_form_list_and_segments(define):
	doc = define("Größe des Fuhrparks", applies_to="Organisation", value_type="Option", in_list_filter=1)
	assert doc.fieldname.startswith("profile_groesse_des_fuhrparks")
	other = define("Kundenkarte", value_type="Option")
	small = insert("Relation Profile Option", attribute=doc.name, option_value="bis 10", sort_order=1).name
	foreign = insert("Relation Profile Option", attribute=other.name, option_value="Gold").name
	field = frappe.get_meta("Relation").get_field(doc.fieldname)
	assert (field.fieldtype, field.in_standard_filter, field.label) == ("Link", 1, doc.label)
	assert json.loads(field.link_filters) == [["Relation Profile Option", "attribute", "=", doc.name]]
	custom = frappe.get_doc("Custom Field", f"Relation-{doc.fieldname}")
	assert custom.module == "CRM Relations", "goes with the app"
	firm = relation(**{doc.fieldname: small})
	relation()
	frappe.local.form_dict = frappe._dict(
		doctype="Relation",
		fields=json.dumps(["name"]),
		filters=json.dumps([["Relation", doc.fieldname, "=", small]]),
	)
	assert list_view()["values"] == [[firm.name]]
	rule = {"version": 1, "all": [{"field": doc.fieldname, "operator": "in", "value": [small]}]}
	assert compiler.compile_rule(json.dumps(rule)).run(pluck=True) == [firm.name]
	assert doc.fieldname in {field["key"] for field in segments_api.get_catalogue()}
	with pytest.raises(frappe.ValidationError, match="Choose an option of"):
		relation(**{doc.fieldname: foreign})
	with pytest.raises(
		frappe.ValidationError, match=f"{doc.label} belongs to a relation of kind Organisation"
	):
		relation(kind="Person", **{doc.fieldname: small})
	with pytest.raises(frappe.ValidationError, match="relations have a value of it"):
		frappe.delete_doc("Relation Profile Attribute", doc.name)


def test_attributes_hold_text_numbers_dates_and_ticks_and_stand_in_their_order(define):
	values = {"Text": "blau", "Number": 12.5, "Date": "2026-01-31", "Yes/No": 1}
	docs = [
		define(value_type, value_type=value_type, sort_order=9 - place)
		for place, value_type in enumerate(values)
	]
	given = dict(zip((doc.fieldname for doc in docs), values.values(), strict=True))
	name = relation(**given).name
	stored = frappe.db.get_value("Relation", name, list(given), as_dict=True)
	assert {field: str(value) for field, value in stored.items()} == {f: str(v) for f, v in given.items()}
	fields = [df.fieldname for df in frappe.get_meta("Relation").fields if df.fieldname in given]
	assert fields == list(given)[::-1]
	with pytest.raises(frappe.ValidationError, match="need no options"):
		insert("Relation Profile Option", attribute=docs[0].name, option_value="eins")


def test_an_attribute_that_nobody_used_goes_with_its_options_and_its_field(define):
	doc = define("Versuch")
	insert("Relation Profile Option", attribute=doc.name, option_value="eins")
	frappe.delete_doc("Relation Profile Attribute", doc.name)
	assert not frappe.db.exists("Custom Field", {"dt": "Relation", "fieldname": doc.fieldname})
	assert not frappe.db.exists("Relation Profile Option", {"attribute": doc.name})


def test_a_key_that_makes_no_field_is_named():
	with pytest.raises(frappe.ValidationError, match="Key: 123 is not a valid field name"):
		insert("Relation Profile Attribute", label="123")
	with pytest.raises(frappe.PermissionError):
		frappe.set_user(user(None, "Relation Manager"))
		frappe.get_doc({"doctype": "Relation Profile Attribute", "label": "Marke"}).insert()


# ── confidential ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def person() -> str:
	return relation(kind="Person", **CONFIDENTIAL).name


def test_confidential_values_reach_only_those_with_the_role(person):
	frappe.set_user(user(None, "Relation Manager", "Sales Manager"))
	assert not set(CONFIDENTIAL) & {k for k, v in client_get("Relation", person).items() if v}
	rows = client_get_list("Relation", ["name", *CONFIDENTIAL], {"name": person})
	assert rows == [{"name": person}]
	assert frappe.get_list("Relation", fields=["*"], filters={"name": person})[0].get("income_group") is None
	assert not (client_get_value("Relation", "income_group", {"name": person}) or {}).get("income_group")
	frappe.set_user(user(None, "Relation User", "Relation Confidential"))
	assert client_get("Relation", person)["income_group"] == HIGH
	assert client_get_list("Relation", ["income_group"], {"name": person}) == [{"income_group": HIGH}]


def test_who_may_not_read_a_confidential_value_cannot_overwrite_it(person):
	frappe.set_user(user(None, "Relation Manager"))
	doc = frappe.get_doc("Relation", person)
	doc.update({"income_group": LOW, "city": "Bonn"}).save()
	assert frappe.db.get_value("Relation", person, ["income_group", "city"]) == (HIGH, "Bonn")


def test_the_change_log_of_the_form_does_not_tell_confidential_values(person):
	doc = frappe.get_doc("Relation", person)
	doc.update({"income_group": LOW, "city": "Bonn"}).save(ignore_version=False)
	frappe.local.response = frappe._dict(docs=[])
	frappe.set_user(user(None, "Relation User"))
	getdoc("Relation", person)
	text = str(frappe.local.response)
	assert "Bonn" in text and history.HIDDEN in text
	assert HIGH not in text and LOW not in text
	with pytest.raises(frappe.PermissionError):
		client_get_list("Relation Profile Change", ["old_value"])
	frappe.set_user(user(None, "Relation User", "Relation Confidential"))
	(change,) = client_get_list(
		"Relation Profile Change",
		["profile_field", "old_value", "new_value", "changed_by"],
		{"relation": person},
	)
	assert (change["profile_field"], change["changed_by"]) == ("income_group", "Administrator")
	# version 16 logs the title of a link (high), version 15 its name (Income Group: high)
	assert HIGH.endswith(change["old_value"]) and LOW.endswith(change["new_value"])
	assert change["old_value"] and change["new_value"]


def test_what_is_written_set_based_is_kept_in_the_same_logs(person):
	other = relation(city="Köln").name
	history.record(
		{
			person: {
				"city": (None, "Bonn"),
				"date_of_birth": ("1980-02-29", "1980-03-01"),
				"phone": ("", None),
			},
			other: {"city": ("Köln", "Aachen")},
		}
	)
	data = {
		name: json.loads(frappe.db.get_value("Version", {"docname": name}, "data"))["changed"]
		for name in (person, other)
	}
	assert data[person] == [["city", "", "Bonn"], ["date_of_birth", history.HIDDEN, history.HIDDEN]]
	assert data[other] == [["city", "Köln", "Aachen"]]
	assert frappe.db.get_value(
		"Relation Profile Change", {"relation": person}, ["old_value", "new_value"]
	) == (
		"1980-02-29",
		"1980-03-01",
	)


def test_segments_do_not_tell_confidential_values(person):
	rule = json.dumps({"version": 1, "all": [{"field": "income_group", "operator": "in", "value": [HIGH]}]})
	assert person in {row["name"] for row in segments_api.preview(rule, 100)["sample"]}
	frappe.set_user(user(None, "Relation Manager"))
	with pytest.raises(frappe.PermissionError, match="Income Group is confidential"):
		segments_api.preview(rule)
	assert "income_group" not in {field["key"] for field in segments_api.get_catalogue()}
	assert "education" in {field["key"] for field in segments_api.get_catalogue()}
	with pytest.raises(frappe.PermissionError, match="Income Group is confidential"):
		frappe.get_doc(
			{
				"doctype": "Relation Segment",
				"segment_name": unique("Segment"),
				"kind": "Dynamic",
				"rule": rule,
			}
		).insert()
	sample = segments_api.preview(json.dumps({"version": 1, "all": []}), 100)["sample"]
	assert sample and not set(sample[0]) & attributes.confidential_fields()


def test_own_attributes_can_be_confidential(define):
	doc = define("Bonität", value_type="Text", confidential=1)
	name = factories.relation(**{doc.fieldname: "schwach"}).name
	frappe.set_user(user(None, "Relation Manager"))
	assert not client_get("Relation", name).get(doc.fieldname)
	assert doc.fieldname not in {field["key"] for field in segments_api.get_catalogue()}
