"""Test five questions about public data, answered by segments and, independently, by pandas.

A tenth of the customers of Online Retail becomes invoices. Maven's CRM export becomes customers,
opportunities and invoices. Rows are loaded set-based, because the questions are tested and not the import.
"""

import io
import os
import tarfile
from datetime import date, timedelta
from pathlib import Path

import frappe
import pytest

from crm_relations.relations.facts import build
from crm_relations.relations.facts.sources import Scope
from crm_relations.segments.compilation import compiler
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.segment_world import bulk

pd = pytest.importorskip("pandas", reason="pandas is not installed: the answers are checked against it")

pytestmark = [pytest.mark.site, pytest.mark.slow]

FOLDER = Path(
	os.environ.get("CRM_RELATIONS_PUBLIC_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data"
)
RETAIL, MAVEN = FOLDER / "online_retail" / "by-day.tar.gz", FOLDER / "maven_crm" / "sales_pipeline.csv"

#: the day after the last invoice of Online Retail, and the first day after the year of Maven's export
RETAIL_DAY, MAVEN_DAY = date(2011, 12, 10), date(2018, 1, 1)
COMPANY = "Rheinland Technik GmbH"


def condition(field: str, operator: str, value=None) -> dict:
	return {"field": field, "operator": operator, "value": value}


def event(key: str, *where: dict, measure: str = "count", operator: str = ">=", value=1) -> dict:
	return {"event": key, "where": list(where), "measure": measure, "operator": operator, "value": value}


def found(*children: dict) -> set[str]:
	return set(compiler.compile_rule({"version": 1, "all": list(children)}).run(pluck=True))


def relations(prefix: str, rows: list[dict]) -> None:
	"""Insert a relation with a customer for each row with a `key`."""
	bulk(
		"Relation",
		[{"name": f"{prefix}{row['key']}", "relation_name": row["key"], **row["is"]} for row in rows],
	)
	party = {"parenttype": "Relation", "parentfield": "parties", "party_type": "Customer"}
	bulk(
		"Relation Party",
		[
			{
				"name": f"{prefix}{row['key']}",
				"parent": f"{prefix}{row['key']}",
				"party": f"{prefix}{row['key']}",
				**party,
			}
			for row in rows
		],
	)


def invoices(prefix: str, lines) -> None:
	"""Insert lines with columns invoice, customer, day, is_return, item, item_group, quantity, thousandths."""
	head = lines.groupby("invoice").agg(
		customer=("customer", "first"),
		day=("day", "first"),
		is_return=("is_return", "first"),
		thousandths=("thousandths", "sum"),
	)
	common = {"docstatus": 1, "company": COMPANY}
	bulk(
		"Sales Invoice",
		[
			{
				"name": f"{prefix}{row.Index}",
				"customer": f"{prefix}{row.customer}",
				"posting_date": row.day,
				"is_return": int(row.is_return),
				"is_debit_note": 0,
				"base_net_total": row.thousandths / 1000,
				**common,
			}
			for row in head.itertuples()
		],
	)
	bulk(
		"Sales Invoice Item",
		[
			{
				"name": f"{prefix}{number}",
				"parent": f"{prefix}{row.invoice}",
				"parenttype": "Sales Invoice",
				"parentfield": "items",
				"item_code": row.item,
				"item_group": row.item_group,
				"stock_qty": row.quantity,
				"base_net_amount": row.thousandths / 1000,
			}
			for number, row in enumerate(lines.itertuples())
		],
	)


# ── Online Retail ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def retail():
	"""Return the lines of every tenth customer; the item group is the first two characters of the stock code."""
	if not RETAIL.is_file():
		pytest.skip("the public data set Online Retail is not beside the checkout")
	with tarfile.open(RETAIL) as archive:
		days = [
			pd.read_csv(
				io.BytesIO(archive.extractfile(member).read()), dtype={"InvoiceNo": str, "StockCode": str}
			)
			for member in archive
			if member.name.endswith(".csv")
		]
	lines = pd.concat(days)
	lines = lines[lines.CustomerID.notna() & (lines.CustomerID % 10 == 0)]
	return pd.DataFrame(
		{
			"invoice": lines.InvoiceNo,
			"customer": lines.CustomerID.astype(int).astype(str),
			"country": lines.Country,
			"day": pd.to_datetime(lines.InvoiceDate).dt.date,
			"is_return": lines.InvoiceNo.str.startswith("C"),
			"item": lines.StockCode,
			"item_group": "OR " + lines.StockCode.str[:2],
			"quantity": lines.Quantity,
			"thousandths": (lines.Quantity * (lines.UnitPrice * 1000).round()).astype(int),
		}
	)


@pytest.fixture
def shop(retail, monkeypatch):
	"""Load the shop into the database, on the day after its last invoice."""
	monkeypatch.setattr(compiler, "nowdate", lambda: str(RETAIL_DAY))
	customers = retail.groupby("customer").country.first()
	relations(
		"or-",
		[
			{"key": key, "is": {"relation_kind": "Person", "country": country}}
			for key, country in customers.items()
		],
	)
	invoices("or-", retail)
	return retail


def names(prefix: str, keys) -> set[str]:
	return {f"{prefix}{key}" for key in keys}


def test_bought_in_two_item_groups_but_not_for_90_days(shop):
	asked = found(
		event("bought", condition("item_group", "=", "OR 22")),
		event("bought", condition("item_group", "=", "OR 85")),
		event("bought", condition("date", "last days", 90), operator="=", value=0),
	)
	sales = shop[~shop.is_return]
	lately = sales[sales.day >= RETAIL_DAY - timedelta(days=90)]
	by_group = {group: set(rows.customer) for group, rows in sales.groupby("item_group")}
	expected = (by_group["OR 22"] & by_group["OR 85"]) - set(lately.customer)
	assert len(expected) > 20
	assert asked == names("or-", expected)


def test_the_top_5_per_cent_by_revenue_that_buy_less_often_than_they_used_to(shop):
	"""Select the top relations by revenue, and of these the ones that are late.

	Late means that the time since the last order is more than one and a half times the usual time between
	orders.
	"""
	top = len(set(shop.customer)) // 20
	best = factories.segment(
		"Best customers of the shop",
		kind="Dynamic",
		rule='{"version": 1, "all": []}',
		sample="Top",
		sample_size=top,
		sample_by="revenue_12_months",
	)
	membership.refresh(best.name)
	build.fill_all(Scope(RETAIL_DAY))
	asked = found(condition("segment", "=", best.name), condition("rhythm_lag", ">", 1.5))

	year = shop[(shop.day > date(2010, 12, 10)) & (shop.day <= RETAIL_DAY)]
	revenue = year.groupby("customer").thousandths.sum().sort_values(ascending=False)
	assert revenue.iloc[top - 1] > revenue.iloc[top], "no tie at the border"
	days = shop[~shop.is_return].groupby("customer").day.agg(["min", "max", "nunique"])
	days = days[days["nunique"] > 1]
	rhythm = days.apply(lambda row: round((row["max"] - row["min"]).days / (row["nunique"] - 1), 1), axis=1)
	silent = days["max"].map(lambda last: (RETAIL_DAY - last).days)
	late = set(days.index[silent / rhythm > 1.5])
	expected = set(revenue.index[:top]) & late
	assert expected
	assert asked == names("or-", expected)


def test_from_abroad_bought_an_item_often_and_sent_much_back(shop):
	asked = found(
		condition("country", "not in", ["United Kingdom", "Germany"]),
		event("bought", condition("date", "between", ["2011-01-01", "2011-12-09"]), operator=">=", value=3),
		event("bought", measure="amount", operator="between", value=[500, 5000]),
		event(
			"bought",
			condition("item", "in", ["22423", "22629", "POST"]),
			measure="quantity",
			operator=">",
			value=10,
		),
	)
	abroad = shop[~shop.country.isin(["United Kingdom", "Germany"])]
	often = abroad[(abroad.day >= date(2011, 1, 1)) & (abroad.day <= date(2011, 12, 9)) & ~abroad.is_return]
	often = often.groupby("customer").invoice.nunique()
	amount = abroad.groupby("customer").thousandths.sum()
	quantity = abroad[abroad.item.isin(["22423", "22629", "POST"])].groupby("customer").quantity.sum()
	expected = (
		set(often.index[often >= 3])
		& set(amount.index[amount.between(500_000, 5_000_000)])
		& set(quantity.index[quantity > 10])
	)
	assert expected
	assert asked == names("or-", expected)


# ── Maven ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def maven(monkeypatch):
	"""Return accounts with their deals; won deals are invoiced on the day they close."""
	if not MAVEN.is_file():
		pytest.skip("the public data set of Maven's CRM is not beside the checkout")
	monkeypatch.setattr(compiler, "nowdate", lambda: str(MAVEN_DAY))
	accounts = pd.read_csv(MAVEN.parent / "accounts.csv")
	products = pd.read_csv(MAVEN.parent / "products.csv").set_index("product").series
	deals = pd.read_csv(MAVEN).dropna(subset=["account"])
	deals["product"] = deals["product"].replace("GTXPro", "GTX Pro")
	deals["series"] = deals["product"].map(products)
	for column in ("engage_date", "close_date"):
		deals[column] = pd.to_datetime(deals[column]).dt.date
	rows = [
		{
			"key": row.account,
			"is": {"relation_kind": "Organisation", "industry": row.sector, "employees": row.employees},
		}
		for row in accounts.itertuples()
	]
	relations("mv-", rows)
	statuses = {"Won": "Converted", "Lost": "Lost"}
	bulk(
		"Opportunity",
		[
			{
				"name": row.opportunity_id,
				"opportunity_from": "Customer",
				"party_name": f"mv-{row.account}",
				"transaction_date": None if pd.isna(row.engage_date) else row.engage_date,
				"status": statuses.get(row.deal_stage, "Open"),
				"sales_stage": row.deal_stage,
				"opportunity_type": row.series,
				"base_opportunity_amount": 0 if pd.isna(row.close_value) else row.close_value,
				"company": COMPANY,
			}
			for row in deals.itertuples()
		],
	)
	won = deals[deals.deal_stage == "Won"]
	invoices(
		"mv-",
		pd.DataFrame(
			{
				"invoice": won.opportunity_id,
				"customer": won.account,
				"day": won.close_date,
				"is_return": False,
				"item": won["product"],
				"item_group": "MV " + won.series,
				"quantity": 1,
				"thousandths": (won.close_value * 1000).astype(int),
			}
		),
	)
	subsidiaries = accounts.dropna(subset=["subsidiary_of"])
	bulk(
		"Relation Link",
		[
			{
				"name": f"mv-{row.account}",
				"relation": f"mv-{row.account}",
				"related_relation": f"mv-{row.subsidiary_of}",
				"link_type": "subsidiary of",
			}
			for row in subsidiaries.itertuples()
		],
	)
	return accounts, deals


def test_large_companies_that_bought_for_much_last_quarter_and_lost_many_deals_last_year(maven):
	accounts, deals = maven
	asked = found(
		condition("employees", ">=", 2000),
		condition("industry", "not in", ["medical", "retail"]),
		event(
			"bought",
			condition("date", "last period", "quarter"),
			measure="amount",
			operator=">=",
			value=30000,
		),
		event(
			"opportunity_lost",
			condition("date", "last period", "year"),
			{"any": [condition("type", "=", "GTX"), condition("type", "=", "MG")]},
			operator=">",
			value=15,
		),
	)
	large = accounts[(accounts.employees >= 2000) & ~accounts.sector.isin(["medical", "retail"])]
	won = deals[(deals.deal_stage == "Won") & (deals.close_date >= date(2017, 10, 1))]
	amount = won.groupby("account").close_value.sum()
	lost = deals[
		(deals.deal_stage == "Lost")
		& deals.series.isin(["GTX", "MG"])
		& (deals.engage_date >= date(2017, 1, 1))
	]
	many = lost.groupby("account").size()
	expected = set(large.account) & set(amount.index[amount >= 30000]) & set(many.index[many > 15])
	assert expected
	assert asked == names("mv-", expected)


def test_subsidiaries_of_the_best_customers_that_never_bought_the_best_series(maven):
	accounts, deals = maven
	best = factories.segment(
		"Best accounts",
		kind="Dynamic",
		rule=frappe.as_json(
			{
				"version": 1,
				"all": [
					event("bought", condition("date", "last period", "year"), measure="amount", value=100000),
					event("opportunity", condition("status", "=", "Open"), operator=">=", value=3),
				],
			}
		),
	)
	membership.refresh(best.name)
	asked = found(
		event(
			"relationship",
			condition("type", "=", "subsidiary of"),
			condition("direction", "=", "From the Relation"),
			condition("segment", "=", best.name),
		),
		event("bought", condition("item_group", "=", "MV GTK"), operator="<", value=1),
	)
	won = deals[(deals.deal_stage == "Won") & (deals.close_date >= date(2017, 1, 1))]
	amount = won.groupby("account").close_value.sum()
	still_open = deals[deals.deal_stage.isin(["Engaging", "Prospecting"])].groupby("account").size()
	parents = set(amount.index[amount >= 100000]) & set(still_open.index[still_open >= 3])
	bought = deals[(deals.deal_stage == "Won") & (deals.series == "GTK")]
	subsidiaries = accounts[accounts.subsidiary_of.isin(parents) & ~accounts.account.isin(bought.account)]
	assert len(subsidiaries)
	assert asked == names("mv-", subsidiaries.account)
