"""Test that install, use, uninstall and a second install on a used ERPNext site leave nothing behind.

It runs on its own site, a copy of the test site. It needs an administrator of the database in
CRM_RELATIONS_DB_ROOT_USER and CRM_RELATIONS_DB_ROOT_PASSWORD, which `scripts/test` provides.
"""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.setup import custom_fields
from crm_relations.setup.removal import uninstall
from crm_relations.tests.conftest import SITE
from crm_relations.tests.support.machine.site_copy import OtherSite, other_site

pytestmark = [pytest.mark.site, pytest.mark.slow]


@pytest.fixture(scope="module")
def other(connection) -> Iterator[OtherSite]:
	with other_site() as site:
		yield site


def test_a_used_site_takes_the_app_and_gives_it_back_whole(other):
	other.uninstall()
	assert other.ask("leftovers") == {}
	assert other.ask("broken_forms") == []
	old = other.ask("sell")
	before = other.ask("invoice_as_it_is", old)

	other.install()
	first = other.ask("installed")
	assert len(first["fields"]) == sum(len(fields) for fields in custom_fields.custom_fields().values())
	assert first["roles"] == sorted(uninstall.ROLES)
	other.bench("migrate")
	other.bench("migrate")
	assert other.ask("installed") == first

	campaign = other.ask("use_the_app")
	sold, kept = other.ask("sell", campaign), other.ask("sell", campaign)
	assert set(other.ask("dimension_of", sold)) == {campaign}
	with_campaign = other.ask("invoice_as_it_is", sold)

	other.uninstall()
	assert other.ask("leftovers") == {}
	assert other.ask("broken_forms") == []
	assert other.ask("invoice_as_it_is", old) == before
	assert without_our_fields(other.ask("invoice_as_it_is", sold)) == without_our_fields(with_campaign)
	assert other.ask("change", sold) == [2, 1]
	other.ask("sell")

	other.install()
	again = other.ask("installed")
	assert [field["name"] for field in again["fields"]] == [field["name"] for field in first["fields"]]
	assert other.ask("broken_forms") == []
	campaign = other.ask("use_the_app")
	sold = other.ask("sell", campaign)
	assert set(other.ask("dimension_of", sold)) == {campaign}
	# its campaign was removed with the app
	assert set(other.ask("dimension_of", kept)) == {None}
	assert other.ask("change", kept) == [2, 1]


def without_our_fields(value):
	"""Return the document without the two fields that were removed with the app."""
	if isinstance(value, dict):
		return {
			key: without_our_fields(entry)
			for key, entry in value.items()
			if key not in ("relation", "relation_campaign")
		}
	if isinstance(value, list):
		return [without_our_fields(entry) for entry in value]
	return value


def test_the_copy_is_not_the_test_site(other):
	assert other.name != SITE and frappe.conf.db_name != other.database
