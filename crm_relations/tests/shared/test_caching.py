"""Test that a test leaves nothing of its own in Frappe's cache for the next test."""

import frappe
import pytest

from crm_relations.tests.conftest import cache
from crm_relations.tests.support import factories
from crm_relations.tests.support.machine import caching

pytestmark = pytest.mark.site


def label(cached: bool = True) -> str:
	return frappe.get_meta("Customer", cached=cached).get_field("customer_name").label


def test_a_doctype_that_a_test_changed_is_read_again():
	before = label()
	setter = frappe.new_doc(
		"Property Setter",
		doctype_or_field="DocField",
		doc_type="Customer",
		field_name="customer_name",
		property="label",
		value="Firma",
	)
	setter.name = frappe.generate_hash(length=10)
	setter.db_insert()  # bypasses Frappe's own handling of its cache
	assert label(cached=False) == "Firma"
	frappe.db.rollback()
	cache.empty()
	assert label() == before != "Firma"


def test_a_document_that_a_test_wrote_is_read_again():
	customer = factories.customer().name
	assert frappe.get_cached_value("Customer", customer, "name") == customer
	frappe.db.rollback()
	cache.empty()
	assert frappe.get_cached_value("Customer", customer, "name") is None


@pytest.mark.parametrize(
	("statement", "changes"),
	[
		("INSERT INTO `tabCustom Field` (`name`) VALUES (%s)", True),
		("\n\tdelete from tabDocPerm where parent = 'X'", True),
		("UPDATE `tabCustomer` SET `name` = 'a'; UPDATE `tabDocType` SET `name` = 'b'", True),
		("ALTER TABLE `tabCustomer` ADD COLUMN `x` int", True),
		("CREATE TEMPORARY TABLE `x` (`y` int)", False),
		("INSERT INTO `tabCustomer` (`doctype`) VALUES (%s)", False),
		("UPDATE `tabDocShare` SET `read` = 1", False),
		("SELECT `name` FROM `tabDocType` FOR UPDATE", False),
	],
)
def test_a_change_of_doctypes_is_known_by_its_statement(statement, changes):
	assert bool(caching.CHANGE.match(statement)) is changes
