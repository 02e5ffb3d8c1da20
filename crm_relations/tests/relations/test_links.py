"""Test that links in emails depend on the database and not on the site's configuration file."""

import frappe
import pytest
from frappe.utils.password import Auth, get_encryption_key

from crm_relations.campaigns.transport import signed_links

pytestmark = pytest.mark.site


@pytest.fixture(autouse=True)
def fresh_secret():
	yield
	signed_links._secret.clear_cache()


def test_a_restored_database_with_another_encryption_key_opens_the_links_of_old_mails(monkeypatch):
	sealed = signed_links.seal("open", "REL-0001")
	key = get_encryption_key()
	monkeypatch.setitem(frappe.local.conf, "encryption_key", "another" + key[7:])
	signed_links._secret.clear_cache()  # as in a process of the copy
	assert get_encryption_key() != key
	assert signed_links.unseal("open", sealed) == "REL-0001"


def test_another_secret_opens_no_link_of_this_site():
	sealed = signed_links.seal("open", "REL-0001")
	own = signed_links.stored_secret()
	signed_links.replace_secret("of another site")
	assert signed_links.unseal("open", sealed) is None
	signed_links.replace_secret(own)
	assert signed_links.unseal("open", sealed) == "REL-0001"


def test_the_secret_is_made_once_and_stays():
	own = signed_links.stored_secret()
	signed_links.create_secret()
	assert own and signed_links.stored_secret() == own
	signed_links.forget_secret()
	assert signed_links.stored_secret() is None
	assert signed_links.unseal("open", signed_links.seal("open", "REL-0001")) == "REL-0001"
	assert signed_links.stored_secret() != own


def test_the_secret_is_no_value_of_a_document_or_a_setting():
	secret = signed_links.stored_secret()
	assert frappe.qb.from_(Auth).select(Auth.encrypted).where(Auth.password == secret).run() == ((0,),)
	assert secret not in str(frappe.get_doc("Relation Settings").as_dict())
	assert not frappe.db.exists("Singles", {"value": secret})
	assert not frappe.db.exists("DefaultValue", {"defvalue": secret})
