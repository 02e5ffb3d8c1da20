"""Test the import of another CRM's export: every row accounted for, no duplicates on a second run.

The import commits row by row. Here its commits are savepoints, so that a test can roll back all of it.
"""

import csv
import json
import os
from decimal import Decimal
from pathlib import Path

import frappe
import pytest
from frappe.utils import flt, getdate

from crm_relations.demo.company import COMPANY
from crm_relations.demo.generate import generate
from crm_relations.ledger.statements.statement import statement
from crm_relations.pipeline.importing import deals as booking
from crm_relations.pipeline.importing.mapping import DEFAULT_MAPPING
from crm_relations.pipeline.importing.run import check_company, choose_company, import_pipeline
from crm_relations.relations.identities import identity
from crm_relations.relations.network import groups
from crm_relations.shared.money import to_decimal
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site

#: few, because each test imports them again
ACCOUNTS, DEALS = 12, 8
MADE = (
	"Opportunity",
	"Quotation",
	"Sales Order",
	"Sales Invoice",
	"Payment Entry",
	"Customer",
	"Relation",
	"Item",
)


def real_data() -> Path | None:
	"""Return the folder of the public data: next to the checkout, or CRM_RELATIONS_PIPELINE_DATA."""
	beside = Path(__file__).resolve().parents[4] / "shared" / "data" / "maven_crm"
	folder = Path(os.environ.get("CRM_RELATIONS_PIPELINE_DATA") or beside)
	return folder if (folder / "sales_pipeline.csv").is_file() else None


@pytest.fixture(autouse=True)
def uncommitted(monkeypatch):
	"""Turn commits into savepoints; a full rollback goes back to the last of them."""
	rollback = frappe.db.rollback
	frappe.db.savepoint("committed")
	with monkeypatch.context() as patch:
		patch.setattr(frappe.db, "commit", lambda **_kwargs: frappe.db.savepoint("committed"))
		patch.setattr(
			frappe.db,
			"rollback",
			lambda save_point=None, **_kw: rollback(save_point=save_point or "committed"),
		)
		yield


@pytest.fixture
def export(tmp_path) -> Path:
	return generate(tmp_path / "export", deals=DEALS, accounts=ACCOUNTS)


@pytest.fixture
def options(tmp_path) -> dict:
	"""Return options with a new source, so that records of other imports are not found again."""
	mapping = json.loads(DEFAULT_MAPPING.read_text(encoding="utf-8"))
	mapping["source"] = factories.unique("test")
	path = tmp_path / "mapping.json"
	path.write_text(json.dumps(mapping))
	return {"company": COMPANY, "mapping_file": path, "rejects_file": tmp_path / "rejects.csv"}


def counts() -> dict[str, int]:
	return {doctype: frappe.db.count(doctype) for doctype in MADE}


def records(result: dict, **filters) -> list:
	return frappe.get_all(
		"Relation Import Record",
		filters={"source": result["source"], **filters},
		fields=["*"],
		order_by="creation asc, name asc",
	)


def column(path: Path, name: str) -> list[str]:
	with path.open(encoding="utf-8") as stream:
		return [row[name] for row in csv.DictReader(stream)]


def test_every_row_is_imported_or_rejected_with_a_reason(export, options):
	result = import_pipeline(export, **options)

	files = {
		path.name: len(column(path, next(iter(csv.reader(path.open())))[0])) for path in export.glob("*.csv")
	}
	assert {name: row["rows_in"] for name, row in result["by"].items()} == files
	assert all(row["rows_in"] == row["imported"] + row["rejected"] for row in result["by"].values())
	assert result["rows_in"] == sum(files.values()) == result["imported"] + result["rejected"]

	without_account = column(export / "sales_pipeline.csv", "account").count("")
	assert result["rejected"] == without_account > 0
	with options["rejects_file"].open(encoding="utf-8") as stream:
		rejects = list(csv.DictReader(stream))
	assert len(rejects) == without_account
	keys = column(export / "sales_pipeline.csv", "opportunity_id")
	for row in rejects:
		assert row["rejected_reason"] == "account is empty"
		assert keys[int(row["rejected_row"]) - 2] == row["rejected_key"] == row["opportunity_id"]
	assert len(records(result)) == result["rows_in"]
	assert {row.reason for row in records(result, state="Rejected")} == {"account is empty"}


def test_the_value_of_won_deals_is_the_income_in_the_ledger(export, options):
	before = statement(COMPANY).ledger_income
	result = import_pipeline(export, **options)

	stages = column(export / "sales_pipeline.csv", "deal_stage")
	values = column(export / "sales_pipeline.csv", "close_value")
	won = sum(Decimal(value) for stage, value in zip(stages, values, strict=True) if stage == "Won")
	assert to_decimal(result["won_value"]) == to_decimal(result["income_posted"]) == won
	assert result["difference"] == "0.00"
	after = statement(COMPANY)
	assert after.ledger_income - before == won
	assert after.difference == 0


def test_a_won_deal_is_a_paid_chain_with_its_own_date_and_value(export, options):
	result = import_pipeline(export, **options)
	with (export / "sales_pipeline.csv").open(encoding="utf-8") as stream:
		rows = {row["opportunity_id"]: row for row in csv.DictReader(stream)}
	won = records(result, invoice=["is", "set"])
	assert won
	for record in won:
		row = rows[record.row_key]
		closed = getdate(row["close_date"])
		opportunity = frappe.get_doc("Opportunity", record.document_name)
		assert (opportunity.transaction_date, opportunity.status) == (
			getdate(row["engage_date"]),
			"Converted",
		)
		invoice = frappe.get_doc("Sales Invoice", record.invoice)
		assert (invoice.posting_date, invoice.status, invoice.outstanding_amount) == (closed, "Paid", 0)
		assert to_decimal(invoice.base_net_total) == Decimal(row["close_value"]) == to_decimal(record.amount)
		assert flt(invoice.total_taxes_and_charges, 2) == flt(flt(invoice.net_total) * 0.19, 2)
		order = frappe.get_doc("Sales Order", invoice.items[0].sales_order)
		assert (order.transaction_date, order.status) == (closed, "Completed")
		assert order.sales_team[0].sales_person == row["sales_agent"]
		quotation = frappe.get_doc("Quotation", order.items[0].prevdoc_docname)
		assert (quotation.transaction_date, quotation.status) == (closed, "Ordered")
		assert quotation.items[0].prevdoc_docname == opportunity.name
		payment = frappe.get_value(
			"Payment Entry Reference", {"reference_name": invoice.name, "docstatus": 1}, "parent"
		)
		assert frappe.db.get_value("Payment Entry", payment, "posting_date") == closed
		relation = identity.relation_of("Customer", invoice.customer)
		assert {invoice.relation, order.relation, quotation.relation, opportunity.relation} == {relation}


def test_lost_and_open_deals_keep_stage_date_and_reason(export, options):
	result = import_pipeline(export, **options)
	with (export / "sales_pipeline.csv").open(encoding="utf-8") as stream:
		rows = {row["opportunity_id"]: row for row in csv.DictReader(stream)}
	last = max(getdate(row["close_date"]) for row in rows.values() if row["close_date"])
	last = max(last, *(getdate(row["engage_date"]) for row in rows.values() if row["engage_date"]))
	seen = set()
	for record in records(result, document_type="Opportunity", invoice=["is", "not set"]):
		row, doc = rows[record.row_key], frappe.get_doc("Opportunity", record.document_name)
		seen.add(row["deal_stage"])
		if row["deal_stage"] == "Lost":
			assert (doc.status, doc.expected_closing) == ("Lost", getdate(row["close_date"]))
			assert [reason.lost_reason for reason in doc.lost_reasons] == ["No reason given in the source"]
		else:
			assert (doc.status, doc.sales_stage) == ("Open", row["deal_stage"])
		if not row["engage_date"]:
			assert doc.transaction_date == last
			assert "no date in the row" in record.reason
		assert row["sales_agent"] in doc.notes[0].note
	assert seen == {"Lost", "Engaging", "Prospecting"}


def test_accounts_become_relations_with_profile_and_parent(export, options):
	result = import_pipeline(export, **options)
	with (export / "accounts.csv").open(encoding="utf-8") as stream:
		rows = {row["account"]: row for row in csv.DictReader(stream)}
	linked = 0
	for record in records(result, document_type="Customer"):
		row = rows[record.row_key]
		relation = frappe.get_doc("Relation", identity.relation_of("Customer", record.document_name))
		assert relation.relation_kind == "Organisation"
		assert relation.employees == int(row["employees"])
		assert to_decimal(relation.annual_revenue) == Decimal(row["revenue"]) * 1_000_000
		assert relation.revenue_currency == "USD"
		country = "Switzerland" if row["office_location"] == "Switzerlnd" else row["office_location"]
		assert relation.country == relation.territory == country
		assert relation.notes == f"Founded: {row['year_established']}"
		if row["subsidiary_of"]:
			parent = identity.relation_of(
				"Customer", frappe.db.get_value("Customer", {"customer_name": row["subsidiary_of"]})
			)
			link = {"relation": relation.name, "link_type": "subsidiary of", "related_relation": parent}
			assert frappe.db.exists("Relation Link", link)
			linked += 1
	assert linked == 2


def test_circular_subsidiaries_are_told_and_lose_no_row(export, options):
	accounts = export / "accounts.csv"
	with accounts.open(encoding="utf-8") as stream:
		rows = list(csv.DictReader(stream))
	first, second, third = (row["account"] for row in rows[:3])
	for row, parent in zip(rows[:3], (second, third, first), strict=True):
		row["subsidiary_of"] = parent
	for row in rows[3:]:
		row["subsidiary_of"] = ""
	with accounts.open("w", encoding="utf-8", newline="") as stream:
		writer = csv.DictWriter(stream, rows[0])
		writer.writeheader()
		writer.writerows(rows)
	result = import_pipeline(export, **options)
	assert result["by"]["accounts.csv"]["imported"] == len(rows)
	(unclear,) = (row for row in result["unclear"] if row["column"] == "subsidiary_of")
	assert unclear["written"] == first
	assert f"circle: {third} → {first} → {second} → {third}" in unclear["reason"]
	customers = {r.row_key: r.document_name for r in records(result, document_type="Customer")}
	members = {identity.relation_of("Customer", customers[name]) for name in (first, second, third)}
	assert set(groups.group_of(identity.relation_of("Customer", customers[third])).levels) == members


def test_spelling_variants_are_mapped_by_rule_and_reported(export, options):
	if not frappe.db.exists("Industry Type", "Manufacturing"):
		factories.insert("Industry Type", industry="Manufacturing")
	generate(export, deals=12, accounts=ACCOUNTS)  # the last deal's product is misspelled
	result = import_pipeline(export, **options)
	mapped = {(row["column"], row["written"]): row["taken_as"] for row in result["variants"]}
	assert mapped[("product", "PumpeP200")] == "Pumpe P-200"
	assert mapped[("sector", "Manufactring")] == "Manufacturing"
	assert mapped[("office_location", "Switzerlnd")] == "Switzerland"
	again = import_pipeline(export, **options)
	assert {(row["column"], row["written"]): row["taken_as"] for row in again["variants"]} == mapped


def test_a_country_that_may_be_two_stays_empty_and_the_row_says_so(export, options):
	path = export / "accounts.csv"
	name = column(path, "account")[1]
	with path.open(encoding="utf-8") as stream:
		rows = list(csv.reader(stream))
	rows[2][5] = "Korea"
	with path.open("w", encoding="utf-8", newline="") as stream:
		csv.writer(stream).writerows(rows)
	result = import_pipeline(export, deals=0, **options)
	assert not frappe.db.get_value("Relation", {"relation_name": name}, "country")
	assert "Korea" in result["unclear"][0]["reason"]
	(record,) = records(result, row_key=name)
	assert (record.state, "left empty" in record.reason) == ("Imported", True)


def test_a_second_run_makes_nothing_twice(export, options):
	first = import_pipeline(export, **options)
	before = counts()
	second = import_pipeline(export, **options)
	assert counts() == before
	for key in ("rows_in", "imported", "rejected", "won_value", "income_posted"):
		assert second[key] == first[key]
	assert all(row["new"] == 0 for row in second["by"].values())
	assert len(records(second)) == second["rows_in"]


def test_more_deals_continue_where_fewer_ended(export, options):
	first = import_pipeline(export, deals=5, **options)
	assert first["by"]["sales_pipeline.csv"]["rows_in"] == 5
	rest = import_pipeline(export, **options)["by"]["sales_pipeline.csv"]
	assert rest["unchanged"] == first["by"]["sales_pipeline.csv"]["imported"]
	assert rest["rows_in"] == DEALS


def test_an_interrupted_deal_leaves_nothing_and_the_next_run_completes_it(export, options, monkeypatch):
	"""Interrupt the import between invoice and payment of the third won deal."""
	payments = []
	pay = booking.Booking._payment

	def interrupted(self, deal, invoice):
		if len(payments) == 2:
			raise KeyboardInterrupt
		payments.append(deal.key)
		return pay(self, deal, invoice)

	before = counts()
	with monkeypatch.context() as patch:
		patch.setattr(booking.Booking, "_payment", interrupted)
		with pytest.raises(KeyboardInterrupt):
			import_pipeline(export, **options)
	made = counts()
	assert made["Sales Invoice"] - before["Sales Invoice"] == 2
	assert made["Payment Entry"] - before["Payment Entry"] == 2

	result = import_pipeline(export, **options)
	stages, accounts = (column(export / "sales_pipeline.csv", name) for name in ("deal_stage", "account"))
	won = sum(stage == "Won" and bool(account) for stage, account in zip(stages, accounts, strict=True))
	assert counts()["Sales Invoice"] - before["Sales Invoice"] == won
	assert counts()["Opportunity"] - before["Opportunity"] == result["by"]["sales_pipeline.csv"]["imported"]
	assert result["difference"] == "0.00"


def test_a_deal_that_erpnext_refuses_is_rejected_and_the_others_go_on(export, options):
	import_pipeline(export, deals=0, **options)
	frappe.db.set_value("Item", "Steuerung S-7", "disabled", 1)
	result = import_pipeline(export, **options)
	refused = [row for row in records(result, state="Rejected") if row.reason != "account is empty"]
	assert refused
	assert all("Steuerung S-7" in row.reason for row in refused)
	assert result["rows_in"] == result["imported"] + result["rejected"]
	assert result["difference"] == "0.00"

	frappe.db.set_value("Item", "Steuerung S-7", "disabled", 0)
	corrected = import_pipeline(export, **options)
	assert corrected["rejected"] == result["rejected"] - len(refused)
	assert {row.reason for row in records(corrected, state="Rejected")} == {"account is empty"}


def test_deals_without_tax_have_none(export, options):
	mapping = json.loads(options["mapping_file"].read_text())
	options["mapping_file"].write_text(json.dumps({**mapping, "tax": "none"}))
	result = import_pipeline(export, deals=6, **options)
	invoices = [row.invoice for row in records(result, invoice=["is", "set"])]
	assert invoices
	for name in invoices:
		doc = frappe.get_doc("Sales Invoice", name)
		assert (doc.total_taxes_and_charges, doc.status) == (0, "Paid")
	assert result["difference"] == "0.00"


def test_a_tax_template_that_does_not_exist_is_refused_before_anything_is_made(export, options):
	mapping = json.loads(options["mapping_file"].read_text())
	options["mapping_file"].write_text(json.dumps({**mapping, "tax": "Luxury"}))
	before = counts()
	with pytest.raises(frappe.ValidationError, match="Luxury"):
		import_pipeline(export, **options)
	assert counts() == before


def test_deals_of_a_campaign_are_attributed_to_it(export, options):
	campaign = factories.campaign().name
	result = import_pipeline(export, deals=8, campaign=campaign, **options)
	(figures,) = statement(COMPANY, [campaign]).campaigns
	assert figures.revenue == to_decimal(result["won_value"]) > 0
	assert figures.receivable_open == 0
	assert statement(COMPANY, [campaign]).difference == 0


def test_fiscal_years_of_the_deals_are_made_in_step_with_the_calendar(export, options):
	path = export / "sales_pipeline.csv"
	path.write_text(
		path.read_text().replace("2025-", "1991-").replace("2024-", "1990-").replace("2026-", "1992-")
	)
	import_pipeline(export, deals=3, **options)
	years = frappe.get_all(
		"Fiscal Year",
		filters={"year_start_date": ["<", "1993-01-01"]},
		fields=["year", "year_start_date", "year_end_date"],
		order_by="year_start_date asc",
	)
	assert {(str(y.year_start_date)[4:], str(y.year_end_date)[4:]) for y in years} == {("-01-01", "-12-31")}


def one_file(tmp_path: Path, text: str, **columns: str) -> dict:
	"""Write an export of a single file, and return the options for it."""
	(tmp_path / "one").mkdir()
	(tmp_path / "one" / "deals.csv").write_text(text, encoding="utf-8")
	known = {"key": "Id", "account": "Account", "stage": "Stage", "value": "Amount", "closed_on": "Close"}
	stages = {"Won": {"outcome": "won"}, "Open": {"outcome": "open"}}
	mapping = {
		"source": factories.unique("one"),
		"tax": "none",
		"deals": {"file": "deals.csv", "columns": known | columns, "stages": stages},
	}
	path = tmp_path / "mapping.json"
	path.write_text(json.dumps(mapping))
	return {
		"folder": tmp_path / "one",
		"company": COMPANY,
		"mapping_file": path,
		"rejects_file": tmp_path / "rejects.csv",
	}


def test_one_file_for_several_parts_loses_no_deal(tmp_path):
	"""Use one name for an account, a product and a deal."""
	options = one_file(
		tmp_path,
		"Id,Product,Account,Stage,Amount,Close\nD1,D1,Werk B,Won,100,2026-06-19\nD2,D2,Werk B,Won,200,2026-06-19\n"
		"D3,,Werk C,Open,,\nD4,,,Open,,\n",
		product="Product",
	)
	before = counts()
	result = import_pipeline(**options)
	assert {
		name: (row["rows_in"], row["imported"], row["rejected"]) for name, row in result["by"].items()
	} == {
		"deals.csv (products)": (2, 2, 0),
		"deals.csv (accounts)": (2, 2, 0),
		"deals.csv (deals)": (4, 3, 1),
	}
	assert counts()["Opportunity"] == before["Opportunity"] + 3
	assert (result["won_value"], result["income_posted"], result["difference"]) == (
		"300.00",
		"300.00",
		"0.00",
	)
	again = import_pipeline(**options)
	assert counts()["Opportunity"] == before["Opportunity"] + 3
	assert again["imported"] == result["imported"]


def test_a_won_deal_without_product_is_invoiced_and_an_open_one_needs_no_amount(tmp_path):
	options = one_file(
		tmp_path, 'Id,Account,Stage,Amount,Close\nD1,Werk D,Won,"1.234,50 €",2026-06-19\nD2,Werk D,Open,,\n'
	)
	result = import_pipeline(**options)
	assert result["rejected"] == 0 and result["won_value"] == result["income_posted"] == "1234.50"
	(open_deal,) = (row for row in records(result, document_type="Opportunity") if not row.invoice)
	assert not frappe.get_doc("Opportunity", open_deal.document_name).items


def test_an_open_deal_without_a_real_date_makes_no_fiscal_year(tmp_path):
	options = one_file(tmp_path, "Id,Account,Stage,Amount,Close\nD1,Werk E,Open,,3999-12-31\n")
	years = frappe.db.count("Fiscal Year")
	result = import_pipeline(**options)
	assert result["imported"] == result["rows_in"] == 2
	assert frappe.db.count("Fiscal Year") == years
	(record,) = records(result, document_type="Opportunity")
	assert not frappe.db.get_value("Opportunity", record.document_name, "expected_closing")


def test_a_company_whose_receivables_are_a_liability_is_refused(export, options):
	liability = frappe.db.get_value("Account", {"company": COMPANY, "account_number": "3806"})
	frappe.db.set_value("Company", COMPANY, "default_receivable_account", liability)
	with pytest.raises(frappe.ValidationError, match="Receivable"):
		check_company(COMPANY)
	with pytest.raises(frappe.ValidationError, match="Receivable"):
		import_pipeline(export, **options)


def test_an_unknown_company_or_campaign_is_named(export, options):
	with pytest.raises(frappe.DoesNotExistError, match="Nirgends"):
		choose_company("Nirgends AG")
	with pytest.raises(frappe.DoesNotExistError, match="Nirgends"):
		import_pipeline(export, campaign="Nirgends", **options)


def test_the_default_company_is_that_of_the_settings():
	frappe.db.set_single_value("Relation Settings", "default_company", COMPANY)
	assert choose_company() == COMPANY


def test_a_notification_that_would_go_out_for_old_deals_stops_the_import(export, options):
	notification = factories.insert(
		"Notification",
		subject="Danke",
		document_type="Sales Invoice",
		event="Submit",
		channel="System Notification",
		message="Danke",
		name=factories.unique("Danke"),
		enabled=1,
		recipients=[{"receiver_by_role": "Sales User"}],
	)
	with pytest.raises(frappe.ValidationError, match=notification.name):
		import_pipeline(export, **options)


@pytest.mark.skipif(not real_data(), reason="the public data set is not beside the checkout")
def test_the_real_data_tells_its_flaws_and_adds_up(options):
	result = import_pipeline(real_data(), deals=40, **options)
	assert result["rows_in"] == 85 + 7 + 35 + 40 == result["imported"] + result["rejected"]
	mapped = {row["written"]: row["taken_as"] for row in result["variants"]}
	assert mapped["GTXPro"] == "GTX Pro"
	assert mapped["technolgy"] == "Technology"
	assert mapped["Philipines"] == "Philippines"
	assert [row["written"] for row in result["unclear"]] == ["Korea"]
	assert result["difference"] == "0.00"
	assert to_decimal(result["income_posted"]) > 0
	bluth = frappe.db.get_value("Relation", {"relation_name": "Bluth Company"})
	acme = frappe.db.get_value("Relation", {"relation_name": "Acme Corporation"})
	assert frappe.db.exists("Relation Link", {"relation": bluth, "related_relation": acme})
	assert all(group == groups_of(result, name) for name, group in groups_in(real_data()).items())


def groups_in(folder: Path) -> dict[str, set[str]]:
	"""Return all accounts in the group of each account, according to the file."""
	with (folder / "accounts.csv").open(encoding="utf-8") as stream:
		parents = {row["account"]: row["subsidiary_of"] for row in csv.DictReader(stream)}

	def top(name: str) -> str:
		return top(parents[name]) if parents[name] else name

	return {name: {other for other in parents if top(other) == top(name)} for name in parents}


def groups_of(result: dict, account: str) -> set[str]:
	"""Return the accounts with relations in the group of the account's relation."""
	customers = {r.row_key: r.document_name for r in records(result, document_type="Customer")}
	names = {identity.relation_of("Customer", customer): key for key, customer in customers.items()}
	relation = identity.relation_of("Customer", customers[account])
	return {names[member] for member in groups.group_of(relation).levels}
