"""Test that the won deals of the public sales pipeline reach the ledger with the amounts of the file.

A run imports 200 of the 4,238, spread over the year; nightly (CRM_RELATIONS_NIGHTLY=1) the whole file. The
ledger is read from GL Entry by product, account and month, and not through the app.
"""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from shutil import copyfile

import frappe
import pytest
from frappe.utils import get_last_day

from crm_relations.demo.company import COMPANY
from crm_relations.ledger.statements.statement import statement
from crm_relations.pipeline.importing.mapping import DEFAULT_MAPPING
from crm_relations.pipeline.importing.run import import_pipeline
from crm_relations.shared.money import to_decimal
from crm_relations.tests.pipeline.test_import_pipeline import real_data
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, cents
from crm_relations.tests.support.machine.commits import held_back

pytestmark = [
	pytest.mark.site,
	pytest.mark.slow,
	pytest.mark.skipif(not real_data(), reason="the public data set is not beside the checkout"),
]

NIGHTLY = os.environ.get("CRM_RELATIONS_NIGHTLY") == "1"
WON_IN_ALL = 4238
#: won deals of this run; CRM_RELATIONS_WON_DEALS sets fewer for a quick look
WON = int(os.environ.get("CRM_RELATIONS_WON_DEALS") or (WON_IN_ALL if NIGHTLY else 200))
#: the product's name in the deals of the file → its name in the list of products
PRODUCTS = {"GTXPro": "GTX Pro"}

Totals = dict[str, Decimal]


@pytest.fixture
def export(tmp_path) -> Path:
	"""Write the public data; unless all deals are requested, only won deals, evenly spread over the file."""
	folder = tmp_path / "export"
	folder.mkdir()
	for path in real_data().glob("*.csv"):
		copyfile(path, folder / path.name)
	path = folder / "sales_pipeline.csv"
	rows = rows_of(path)
	assert len(won(rows)) == WON_IN_ALL
	if WON < WON_IN_ALL:
		rows = [won(rows)[number * WON_IN_ALL // WON] for number in range(WON)]
		with path.open("w", encoding="utf-8", newline="") as stream:
			writer = csv.DictWriter(stream, rows[0])
			writer.writeheader()
			writer.writerows(rows)
	return folder


def rows_of(path: Path) -> list[dict]:
	with path.open(encoding="utf-8") as stream:
		return list(csv.DictReader(stream))


def won(rows: Iterable[dict]) -> list[dict]:
	return [row for row in rows if row["deal_stage"] == "Won"]


def summed(pairs: Iterable[tuple[str, Decimal]]) -> Totals:
	found: Totals = defaultdict(Decimal)
	for key, amount in pairs:
		found[key] += amount
	return dict(found)


def test_won_deals_reconcile_with_their_file_by_product_account_and_month(export, tmp_path):
	mapping = json.loads(DEFAULT_MAPPING.read_text(encoding="utf-8"))
	mapping["source"] = factories.unique("won")
	(tmp_path / "mapping.json").write_text(json.dumps(mapping))
	before, spring = statement(COMPANY), campaign("Frühling")
	with held_back():
		result = import_pipeline(
			export,
			company=COMPANY,
			campaign=spring,
			mapping_file=tmp_path / "mapping.json",
			rejects_file=tmp_path / "rejects.csv",
		)
	deals = won(rows_of(export / "sales_pipeline.csv"))
	assert len(deals) == WON

	def in_file(key: Callable[[dict], str]) -> Totals:
		return summed((key(row), Decimal(row["close_value"])) for row in deals)

	total = sum(Decimal(row["close_value"]) for row in deals)
	assert to_decimal(result["won_value"]) == to_decimal(result["income_posted"]) == total
	invoices = {
		row.invoice: row
		for row in frappe.get_all(
			"Relation Import Record",
			{"source": result["source"], "invoice": ["is", "set"]},
			["invoice", "row_key"],
			limit=0,
			order_by="name asc",
		)
	}
	assert len(invoices) == WON

	whole = statement(COMPANY, spring)
	assert (whole.difference, whole.problems) == (0, [])
	assert whole.ledger_income - before.ledger_income == total
	assert whole.not_attributed == before.not_attributed
	(figures,) = whole.campaigns
	assert (figures.revenue, figures.credit_notes, figures.receivable_open) == (total, 0, 0)
	assert figures.cash_received == total + figures.tax

	posted = ledger_rows(set(invoices))
	product, account = what_was_sold(set(invoices)), who_bought(set(invoices))
	by_product = in_file(lambda row: PRODUCTS.get(row["product"], row["product"]))
	by_account = in_file(lambda row: row["account"])
	by_month = in_file(lambda row: row["close_date"][:7])
	assert summed((product[name], amount) for name, _month, amount in posted) == by_product
	assert summed((account[name], amount) for name, _month, amount in posted) == by_account
	assert summed((month, amount) for _name, month, amount in posted) == by_month

	attributed = attribution_of(spring)
	assert summed((item, amount) for item, _relation, amount in attributed) == by_product
	assert summed((relation, amount) for _item, relation, amount in attributed) == by_account
	for month, amount in by_month.items():
		first = date.fromisoformat(f"{month}-01")
		of_month = statement(COMPANY, spring, str(first), str(get_last_day(first)))
		assert (of_month.campaigns[0].revenue, of_month.difference) == (amount, 0)


def ledger_rows(invoices: set[str]) -> list[tuple[str, str, Decimal]]:
	"""Return (invoice, month, credit − debit) of the postings on income accounts."""
	income = set(
		frappe.get_all("Account", {"root_type": "Income"}, pluck="name", limit=0, order_by="name asc")
	)
	rows = frappe.get_all(
		"GL Entry",
		{"company": COMPANY, "is_cancelled": 0, "voucher_type": "Sales Invoice"},
		["voucher_no", "account", "posting_date", "debit", "credit"],
		limit=0,
		order_by="name asc",
	)
	return [
		(row.voucher_no, f"{row.posting_date:%Y-%m}", cents(row.credit) - cents(row.debit))
		for row in rows
		if row.account in income and row.voucher_no in invoices
	]


def what_was_sold(invoices: set[str]) -> dict[str, str]:
	"""Return the only product of each invoice."""
	lines = frappe.get_all(
		"Sales Invoice Item", {"docstatus": 1}, ["parent", "item_code"], limit=0, order_by="name asc"
	)
	found = [(line.parent, line.item_code) for line in lines if line.parent in invoices]
	assert len(found) == len(invoices)
	return dict(found)


def who_bought(invoices: set[str]) -> dict[str, str]:
	"""Return the name of the account, which is the customer's name, by invoice."""
	rows = frappe.get_all(
		"Sales Invoice", {"docstatus": 1}, ["name", "customer_name"], limit=0, order_by="name asc"
	)
	return {row.name: row.customer_name for row in rows if row.name in invoices}


def attribution_of(name: str) -> list[tuple[str, str, Decimal]]:
	"""Return (product, name of the relation, amount) attributed to a campaign."""
	rows = frappe.get_all(
		"Relation Attribution",
		{"campaign": name},
		["item_code", "relation", "amount"],
		limit=0,
		order_by="name asc",
	)
	names = dict(
		frappe.get_all(
			"Relation", fields=["name", "relation_name"], as_list=True, limit=0, order_by="name asc"
		)
	)
	return [(row.item_code, names[row.relation], cents(row.amount)) for row in rows]
