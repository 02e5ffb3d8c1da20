"""Test objects of an administrator under our names: refused at install, reported later, never changed."""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.ledger import dimension
from crm_relations.setup import check, collisions, custom_fields, indexes, shipped
from crm_relations.setup.removal import owned
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine.site_copy import OtherSite, other_site

pytestmark = pytest.mark.site


@pytest.fixture(scope="module", autouse=True)
def empty_columns(connection):
	"""Empty columns without a field, in which a dimension of another test file has left values.

	An install would refuse them.
	"""
	for doctype, fieldname, _column_type in collisions.existing_columns():
		if not frappe.db.exists("Custom Field", {"dt": doctype, "fieldname": fieldname}):
			table = frappe.qb.DocType(doctype)
			frappe.qb.update(table).set(table[fieldname], None).where(table[fieldname].isnotnull()).run()
	frappe.db.commit()


def messages() -> str:
	return "\n".join(found.message for found in collisions.after_install())


def test_an_installed_site_has_no_collisions():
	assert collisions.before_install() == []
	assert collisions.after_install() == []


def test_a_foreign_field_made_after_the_install_is_an_error_of_the_check_and_survives_our_deletion():
	field = "Sales Invoice-relation_campaign"
	frappe.db.set_value("Custom Field", field, {"fieldtype": "Data", "options": None, "module": None})
	frappe.clear_cache(doctype="Sales Invoice")
	told = [found for found in check.run()["findings"] if found["code"] == "name-collision"]
	assert [(found["level"], "relation_campaign" in found["message"]) for found in told] == [("error", True)]
	assert "Sales Invoice" in told[0]["message"] and "trim-tables" in told[0]["remedy"]
	assert ("Sales Invoice", "relation_campaign") not in owned.own_columns()
	assert ("Sales Invoice", "relation") in owned.own_columns()


def test_a_foreign_dimension_with_our_field_name_is_told_and_its_fields_are_not_ours():
	frappe.get_doc(
		{
			"doctype": "Accounting Dimension",
			"name": "Werbung",
			"label": "Werbung",
			"document_type": "Campaign",
			"fieldname": "relation_campaign",
		}
	).db_insert()
	frappe.get_doc(
		{
			"doctype": "Custom Field",
			"name": "GL Entry-relation_campaign",
			"dt": "GL Entry",
			"fieldname": "relation_campaign",
			"fieldtype": "Link",
			"options": "Campaign",
		}
	).db_insert()
	assert "Werbung" in messages()
	assert ("GL Entry", "relation_campaign") not in owned.own_columns()
	with pytest.raises(frappe.ValidationError, match="GL Entry"):
		dimension.switch_on()


def test_a_missing_field_of_ours_is_told():
	frappe.db.delete("Custom Field", {"name": "Quotation-relation"})
	frappe.clear_cache(doctype="Quotation")
	assert "Quotation: relation" in messages()


def test_a_doctype_of_another_module_under_our_name_is_told():
	frappe.db.set_value("DocType", "Relation Link", "module", "Core", update_modified=False)
	assert "Relation Link" in messages()


def test_values_of_a_deleted_field_are_found_by_their_column():
	lead = factories.insert("Lead", first_name="Hanna", last_name=factories.unique("Vetter"))
	frappe.db.delete("Custom Field", {"name": "Lead-relation"})
	frappe.db.set_value("Lead", lead.name, "relation", "aunt")
	found = [each.message for each in collisions.before_install()]
	assert any("Lead" in message and "deleted field relation" in message for message in found)


def test_every_name_of_the_module_is_known():
	records = shipped.records()
	assert {"DocType", "Report", "Page", "Number Card", "Workspace"} <= set(records)
	assert "Relation" in shipped.doctypes() and "CRM Relations" in records["Workspace"]
	assert set(custom_fields.OPTIONS.values()) <= set(shipped.doctypes())
	assert {row[1] for row in indexes.ON_ERPNEXT} >= {"relation_facts", "relation_ledger"}


@pytest.fixture(scope="module")
def other(connection) -> Iterator[OtherSite]:
	with other_site() as site:
		yield site


@pytest.mark.slow
def test_an_install_names_every_foreign_object_writes_nothing_and_works_once_they_are_gone(other):
	other.uninstall()
	made = other.ask("occupy_names")
	before = other.ask("state_of_the_site")
	refused = other.try_bench("install-app", "crm_relations")
	assert refused.returncode != 0
	told = refused.stdout + refused.stderr
	missing = [name for name in made if name not in told]
	assert not missing, f"{missing} not in\n{told[-4000:]}"
	assert other.ask("state_of_the_site") == before
	other.ask("free_names")
	other.install()
	assert other.ask("installed")["roles"] == sorted(shipped.ROLES)
