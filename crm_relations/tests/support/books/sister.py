"""Create a sister company with a German chart of accounts.

It takes seconds to make, and stays until the module ends.
"""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.demo.company import account, complete_setup

SISTER, ABBR = "Ruhr Service GmbH", "RS"


@pytest.fixture(scope="module", name="sister")
def sister_company(connection) -> Iterator[str]:
	complete_setup(SISTER, ABBR)
	frappe.db.commit()
	yield SISTER
	frappe.db.rollback()
	frappe.set_user("Administrator")
	frappe.delete_doc("Company", SISTER, force=True)
	frappe.db.commit()


def leaf(company: str, **kind: str) -> str:
	"""Return the first leaf account of a type: `root_type`, `account_type` …"""
	return frappe.db.get_value(
		"Account", {"company": company, "is_group": 0, "disabled": 0, **kind}, order_by="name asc"
	)


__all__ = ["ABBR", "SISTER", "account", "leaf", "sister_company"]
