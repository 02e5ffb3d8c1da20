"""Test the fields and keys of an installed site."""

import frappe
import pytest

from crm_relations.setup import custom_fields, indexes, install

pytestmark = pytest.mark.site


def test_every_custom_field_is_there_and_never_printed():
	for doctype, fields in custom_fields.custom_fields().items():
		for field in fields:
			docfield = frappe.get_meta(doctype).get_field(field["fieldname"])
			assert docfield, f"{doctype}.{field['fieldname']}"
			assert docfield.print_hide and docfield.ignore_user_permissions


def test_every_key_is_there():
	for doctype, name, _statement in indexes.STATEMENTS:
		assert frappe.db.has_index(f"tab{doctype}", name), f"{doctype}.{name}"


def test_migrating_again_changes_no_profile_option():
	option = frappe.get_doc("Relation Profile Option", "Risk Attitude: risk-averse")
	option.delete()
	install.set_up()
	assert not frappe.db.exists("Relation Profile Option", option.name)
