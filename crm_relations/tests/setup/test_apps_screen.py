"""Test which users see the app on Frappe's screen of apps, and which page a user gets after login."""

import frappe
import pytest
from frappe.apps import get_apps

from crm_relations.setup import apps_screen
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def offered() -> set[str]:
	return {app["name"] for app in get_apps()}


def portal_user() -> str:
	user = factories.user(None, "Customer")
	frappe.db.set_value("User", user, "user_type", "Website User")
	frappe.clear_document_cache("User", user)
	return user


def test_a_customer_of_the_portal_is_not_offered_the_app():
	frappe.set_user(portal_user())
	assert frappe.get_cached_value("User", frappe.session.user, "user_type") == "Website User"
	assert not apps_screen.may_open()
	assert "crm_relations" not in offered()


def test_a_guest_is_not_offered_the_app():
	frappe.set_user("Guest")
	assert not apps_screen.may_open()


def test_a_user_of_the_desk_without_a_right_to_relations_is_not_offered_the_app():
	frappe.set_user(factories.user(None, "Stock User"))
	assert not apps_screen.may_open()
	assert "crm_relations" not in offered()


@pytest.mark.parametrize("role", ["Relation User", "Relation Manager"])
def test_a_user_with_a_role_of_the_app_is_offered_it(role):
	frappe.set_user(factories.user(None, role))
	assert apps_screen.may_open()
	assert "crm_relations" in offered()


def test_the_administrator_is_offered_the_app():
	assert apps_screen.may_open()
