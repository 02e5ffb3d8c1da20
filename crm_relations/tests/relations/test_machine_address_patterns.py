"""Test which addresses do not belong to a party: mail programs, and addresses that accept no replies."""

import pytest

from crm_relations.relations.party_documents import machine_addresses

pytestmark = pytest.mark.site


@pytest.mark.parametrize(
	("key", "machine"),
	[
		("mailer-daemon@mx.example", True),
		("postmaster@kunde.de", True),
		("no-reply@shop.example", True),
		("noreply@shop.example", True),
		("donotreply@shop.example", True),
		("bounces+123-abc@mail.example", True),
		("nicht-antworten@shop.example", True),
		("norbert.reply@kunde.de", False),
		("info@kunde.de", False),
		("returnaud@kunde.de", False),
		("nullmeier@kunde.de", False),
	],
)
def test_mail_programs_are_told_by_their_address(key, machine):
	assert machine_addresses.is_machine(key) is machine
