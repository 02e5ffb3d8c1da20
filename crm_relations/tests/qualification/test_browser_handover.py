"""Test the form of a handover at the desk: the reasons for the member, and the return to marketing."""

from collections.abc import Iterator

import frappe
import pytest

from crm_relations.tests.qualification.test_handover import campaign, proposed, scheme, seller  # noqa: F401
from crm_relations.tests.support.machine.browser import MARKS, administrators_page  # noqa: F401

pytestmark = MARKS


@pytest.fixture
def handover(campaign) -> Iterator[frappe._dict]:  # noqa: F811
	"""Commit a proposal; remove it afterwards."""
	row = proposed(campaign)
	frappe.db.commit()
	yield row
	frappe.db.rollback()
	for doctype in ("Relation Handover", "Relation Campaign Response", "Relation Campaign Member"):
		frappe.db.delete(doctype, {"campaign": campaign.name})
	for table in frappe.get_meta("Relation").get_table_fields():
		frappe.db.delete(table.options, {"parent": row.relation})
	frappe.db.delete("Relation Campaign Step", {"parent": campaign.name})
	frappe.db.delete("Relation Qualification Criterion", {"parent": campaign.qualification_scheme})
	for doctype, name in (
		("Relation Campaign", campaign.name),
		("Relation Qualification Scheme", campaign.qualification_scheme),
		("Relation", row.relation),
	):
		frappe.db.delete(doctype, {"name": name})
	frappe.db.commit()


def test_sales_reads_the_reasons_and_returns_the_member(page, handover):
	page.goto(f"/app/relation-handover/{handover.name}")
	reasons = page.wait_for_selector("[data-fieldname=reasons_html] table", timeout=60_000).inner_text()
	assert "Said to be interested" in reasons and "+40" in reasons and "55" in reasons
	page.click("button:has-text('Return'):visible")
	page.fill(".modal.show [data-fieldname=reason] textarea", "Kein Bedarf")
	page.click(".modal.show .btn-modal-primary:visible")
	page.wait_for_selector(".indicator-pill:visible >> text=Returned", timeout=60_000)
	frappe.db.rollback()
	assert frappe.db.get_value("Relation Handover", handover.name, "return_reason") == "Kein Bedarf"
	assert not page.errors
