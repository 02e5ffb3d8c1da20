"""Test the accounting reports against independent sums over GL Entry and Payment Ledger Entry."""

from decimal import Decimal

import frappe
import pytest
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note, make_sales_invoice
from frappe.desk.query_report import build_xlsx_data, run
from frappe.translate import print_language
from frappe.utils import add_days, getdate, nowdate

from crm_relations.crm_relations.report.campaign_comparison import campaign_comparison as comparison
from crm_relations.crm_relations.report.quote_to_cash import quote_to_cash as pipeline
from crm_relations.crm_relations.report.receivables_by_campaign_and_segment import (
	receivables_by_campaign_and_segment as receivables,
)
from crm_relations.demo.company import COMPANY
from crm_relations.ledger.reports.quote_to_cash import Asked, Deal, deals, medians
from crm_relations.ledger.statements.statement import statement
from crm_relations.relations.identities import identity
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, cents, credit_note, own_rows, sell
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site

REPORTS = (
	"Campaign Statement",
	"Campaign Comparison",
	"Quote to Cash",
	"Receivables by Campaign and Segment",
)


@pytest.fixture
def customer() -> str:
	return factories.customer().name


def day(ago: int) -> str:
	return add_days(nowdate(), -ago)


def submitted(doc, **values):
	doc.update(values)
	doc.insert()
	doc.submit()
	return doc


def receivable_balance() -> Decimal:
	"""Return debit − credit of the receivable accounts, from GL Entry."""
	accounts = set(
		frappe.get_all("Account", {"company": COMPANY, "account_type": "Receivable"}, pluck="name")
	)
	filters = {"company": COMPANY, "is_cancelled": 0, "voucher_type": ["!=", "Period Closing Voucher"]}
	rows = frappe.get_all("GL Entry", filters, ["account", "debit", "credit"], limit=0, order_by="name asc")
	return sum((cents(row.debit) - cents(row.credit) for row in rows if row.account in accounts), Decimal(0))


def open_of(*vouchers: str) -> Decimal:
	"""Return the open amount of vouchers in the payment ledger."""
	rows = frappe.get_all(
		"Payment Ledger Entry",
		{"against_voucher_no": ["in", vouchers], "delinked": 0, "account_type": "Receivable"},
		["amount"],
		limit=0,
		order_by="name asc",
	)
	return sum((cents(row.amount) for row in rows), Decimal(0))


# Quote to Cash -----------------------------------------------------------------------------------


def quotation(customer: str, name: str | None, rate: float, ago: int):
	line = {**factories.line(factories.item().name, 2, rate), "relation_campaign": name}
	return submitted(
		frappe.get_doc(
			{
				"doctype": "Quotation",
				"company": COMPANY,
				"quotation_to": "Customer",
				"party_name": customer,
				"transaction_date": day(ago),
				"valid_till": nowdate(),
				"relation_campaign": name,
				"items": [line],
			}
		)
	)


def order_of(offer, ago: int):
	order = make_sales_order(offer.name)
	for row in order.items:
		row.delivery_date = nowdate()
	order.set("payment_schedule", [])  # version 16 copies that of the quotation, due before the order
	return submitted(order, transaction_date=day(ago), delivery_date=nowdate())


def billed(order, ago: int, qty: int | None = None):
	doc = make_sales_invoice(order.name)
	if qty:
		doc.items[0].qty = qty
	doc.allocate_advances_automatically = 0
	return submitted(doc, set_posting_time=1, posting_date=day(ago), due_date=nowdate(), payment_schedule=[])


def rows_of(name: str) -> tuple[list[dict], list[dict]]:
	"""Return the rows of the report for one campaign: deals, and the totals below them."""
	_columns, found, *_rest = pipeline.execute({"company": COMPANY, "campaigns": [name]})
	return [row for row in found if not row.get("bold")], [row for row in found if row.get("bold")]


def test_a_deal_goes_from_quotation_to_cash_with_the_days_between(customer):
	spring = campaign("Frühling")
	offer = quotation(customer, spring, 100, 40)
	order = order_of(offer, 33)
	note = make_delivery_note(order.name)
	submitted(note, set_posting_time=1, posting_date=day(30))
	first, second = billed(order, 29, qty=1), billed(order, 20)
	factories.pay(first, date=day(15))
	(row,), _below = rows_of(spring)
	assert (row["quotation"], row["order"], row["delivery"]) == (offer.name, order.name, note.name)
	assert (row["invoice"], row["invoices"], row["station"]) == (first.name, 2, "Invoiced")
	assert [row[name] for name in ("to_order", "to_delivery", "to_invoice", "to_cash", "in_all")] == [
		7,
		3,
		1,
		None,
		None,
	]
	assert cents(row["amount_invoiced"]) == own_rows([first.name, second.name], "Income") == 200
	assert cents(row["open"]) == open_of(first.name, second.name) > 0
	assert (row["amount_quoted"], row["amount_ordered"], row["chain"]) == (200, 200, offer.name)
	factories.pay(second, date=day(5))
	(row,), (middle, total) = rows_of(spring)
	assert (row["paid"], row["to_cash"], row["in_all"], row["open"]) == (getdate(day(5)), 24, 35, 0)
	assert (middle["in_all"], total["amount_invoiced"], row["station"]) == (35, 200, "Paid")


def test_quotations_that_nobody_ordered_and_invoices_without_an_order_are_deals_too(customer):
	spring = campaign("Frühling")
	lost = quotation(customer, spring, 100, 12)
	invoice = sell(customer, [(spring, 100)], posting_date=day(9))
	note = credit_note(invoice)
	deals_, (middle, total) = rows_of(spring)
	assert [row["station"] for row in deals_] == ["Quoted", "Paid"]
	assert (deals_[0]["quotation"], deals_[0]["order"]) == (lost.name, None)
	assert (deals_[1]["invoice"], deals_[1]["invoices"], deals_[1]["to_cash"]) == (invoice.name, 2, 9)
	assert cents(total["amount_invoiced"]) == own_rows([invoice.name, note.name], "Income") == 0
	assert (middle["to_order"], middle["to_cash"]) == (None, 9)
	_columns, quoted, *_rest = pipeline.execute(
		{"company": COMPANY, "campaigns": [spring], "station": "quoted"}
	)
	assert [row["quotation"] for row in quoted if not row.get("bold")] == [lost.name]


def test_what_is_open_on_a_combined_invoice_is_divided_by_its_lines(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	orders = [
		order_of(quotation(customer, name, rate, 20), 19) for name, rate in ((spring, 100), (autumn, 33.33))
	]
	doc = make_sales_invoice(orders[1].name, target_doc=make_sales_invoice(orders[0].name))
	submitted(doc, set_posting_time=1, posting_date=day(10), due_date=nowdate(), payment_schedule=[])
	factories.pay(doc, 100.01)
	both = [rows_of(name)[0][0] for name in (spring, autumn)]
	parts = deals(Asked(COMPANY, day(60), nowdate(), (spring, autumn)))
	assert sum(deal.open for deal in parts) == open_of(doc.name)
	assert sum(deal.invoiced for deal in parts) == own_rows([doc.name], "Income")
	# filtered by one campaign, the part of the other campaign is not added
	assert [cents(row["open"]) for row in both] == [deal.open for deal in parts]


def deal(**ago: int) -> Deal:
	found = Deal("Kunde")
	found.days |= {station: getdate(day(number)) for station, number in ago.items()}
	return found


def test_days_to_the_invoice_count_from_the_delivery_if_it_came_before_else_from_the_order():
	assert deal(ordered=9, delivered=5, invoiced_on=4).gap("to_invoice") == 1
	assert deal(ordered=9, invoiced_on=4).gap("to_invoice") == 5
	assert deal(ordered=9, delivered=1, invoiced_on=4).gap("to_invoice") == 5
	assert deal(quoted=9, invoiced_on=4).gap("to_invoice") is None


def test_medians_are_those_of_the_deals_that_came_so_far():
	assert medians([])["in_all"] is None
	known = medians(
		[deal(quoted=9, ordered=8), deal(quoted=9, ordered=5, invoiced_on=4, paid=1), deal(quoted=3)]
	)
	assert known == {"to_order": 2.5, "to_delivery": None, "to_invoice": 1, "to_cash": 3, "in_all": 8}


def test_the_number_of_queries_does_not_grow_with_the_deals(customer):
	spring = campaign("Frühling")
	counts = []
	for _round in range(2):
		sell(customer, [(spring, 10)])
		order_of(quotation(customer, spring, 10, 3), 2)
		with sent_statements() as sent:
			deals(Asked(COMPANY, day(60), nowdate(), (spring,)))
		counts.append(len(sent))
	assert counts[0] == counts[1] <= 10


# Receivables -------------------------------------------------------------------------------------


def aged(**filters) -> dict[str, dict]:
	found = receivables.execute({"company": COMPANY, **filters})[1]
	return {row["name"]: row for row in found}


def test_receivables_by_age_add_up_to_the_ledger_and_to_the_statement(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	# due dates: 14 days after posting
	late = sell(customer, [(spring, 100), (autumn, 50.01), (None, 7)], posting_date=day(14 + 45))
	very_late = sell(customer, [(spring, 200)], posting_date=day(14 + 100))
	just = sell(customer, [(spring, 10)], posting_date=day(14 + 1))
	to_come = sell(customer, [(autumn, 30)])
	factories.pay(late, 60)
	note = credit_note(late, lambda row: row.relation_campaign == autumn)
	sell(customer, [(None, 99)])
	rows = aged()
	result = statement(COMPANY, [spring, autumn])
	for figures in result.campaigns:
		row = rows[figures.campaign]
		assert cents(row["open"]) == figures.receivable_open
		assert cents(row["overdue"]) == figures.receivable_overdue
		assert cents(sum(row[name] for name in ("not_due", "overdue", "credits"))) == cents(row["open"])
	assert cents(rows[spring]["up_to_30"]) == open_of(just.name)
	assert cents(rows[spring]["over_90"]) == open_of(very_late.name)
	assert cents(rows[autumn]["not_due"]) == open_of(to_come.name)
	in_bucket = [cents(rows[name]["up_to_60"]) + cents(rows[name]["credits"]) for name in (spring, autumn)]
	of_nobody = open_of(late.name, note.name) - sum(in_bucket)
	assert 0 < of_nobody < 9
	assert (
		cents(rows["Sum"]["open"]) == cents(rows["Receivables in the ledger"]["open"]) == receivable_balance()
	)
	assert rows["Difference"]["open"] == 0


def test_a_segment_sums_its_campaigns_and_vouchers_stand_below(customer):
	segment = factories.segment().name
	names = [factories.campaign(segment=segment).name for _i in range(2)]
	invoices = [sell(customer, [(name, 100)], posting_date=day(20)) for name in names]
	rows = aged(vouchers=1)
	assert cents(rows[segment]["open"]) == open_of(*(doc.name for doc in invoices)) == 238
	assert [rows[name]["indent"] for name in (segment, names[0], invoices[0].name)] == [0, 1, 2]
	assert rows[invoices[0].name]["up_to_30"] == 119 and rows[invoices[0].name]["parent_name"] == names[0]
	flat = aged(group_by="Campaign")
	assert segment not in flat and flat[names[0]]["indent"] == 0


def test_an_advance_is_in_the_customers_favour_and_of_no_campaign(customer):
	before = aged().get("No campaign", {"credits": 0})
	entry = factories.pay(sell(customer, [(None, 100)]))
	entry.cancel()
	advance = frappe.copy_doc(entry)
	advance.references = []
	advance.docstatus = 0
	submitted(advance)
	row = aged()["No campaign"]
	assert cents(row["credits"]) - cents(before["credits"]) == -119
	assert cents(aged()["Sum"]["open"]) == receivable_balance()


def test_what_is_not_of_a_segments_members_is_of_no_campaign(customer):
	spring, other = campaign("Frühling"), factories.customer().name
	sell(customer, [(spring, 100)])
	sell(other, [(spring, 40)])
	segment = factories.segment().name
	membership.add_members(segment, [identity.relation_of("Customer", other)])
	rows = aged(members_of=segment, group_by="Campaign")
	assert cents(rows[spring]["open"]) == Decimal("47.60")
	assert cents(rows["Sum"]["open"]) == receivable_balance()


def test_a_receivable_that_the_payment_ledger_does_not_know_is_a_difference(customer):
	invoice = sell(customer, [(campaign("Frühling"), 100)])
	frappe.db.delete("Payment Ledger Entry", {"voucher_no": invoice.name})
	assert aged()["Difference"]["open"] == 119


# Campaign Comparison -----------------------------------------------------------------------------


def test_campaigns_stand_side_by_side_with_persons_and_books(customer):
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	for status, held_out in (("Won", 0), ("Qualified", 0), ("Addressed", 0), ("Addressed", 1)):
		factories.insert(
			"Relation Campaign Member",
			campaign=spring,
			relation=factories.relation().name,
			status=status,
			held_out=held_out,
		)
	invoice = sell(customer, [(spring, 100), (autumn, 40)])
	note = credit_note(invoice, lambda row: row.relation_campaign == autumn)
	_columns, found, *_rest = comparison.execute({"company": COMPANY, "campaigns": [spring, autumn]})
	rows = {row["campaign"]: row for row in found}
	assert [rows[spring][name] for name in comparison.STAGES] == [3, 0, 0, 2, 1, 0]
	assert rows[spring]["revenue"] == 100 and rows[autumn]["revenue"] == 0
	assert cents(rows["Sum"]["revenue"]) == own_rows([invoice.name, note.name], "Income")
	assert rows["Sum"]["members"] is None
	assert "too small" in rows[spring]["meaning"] and rows[spring]["effect"] is None
	assert found[0]["campaign"] == spring, "the highest margin comes first"
	assert cents(rows[spring]["receivable_open"]) == statement(COMPANY, [spring]).campaigns[0].receivable_open


def test_a_campaign_of_another_company_is_left_out_unless_it_earned_here(customer):
	spring = campaign("Frühling")
	factories.insert("Relation Campaign Member", campaign=spring, relation=factories.relation().name)
	other = factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()

	def shown() -> set[str]:
		return {row["campaign"] for row in comparison.execute({"company": COMPANY})[1]}

	frappe.db.set_value("Relation Campaign", spring, "company", other)
	assert spring not in shown()
	frappe.db.set_value(
		"Relation Campaign", spring, "company", None
	)  # version 16 refuses it on this company's documents
	sell(customer, [(spring, 100)])
	frappe.db.set_value("Relation Campaign", spring, "company", other)
	assert spring in shown()


# All reports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("report", REPORTS)
def test_what_is_exported_is_what_is_seen_in_german_too(report, customer):
	factories.pay(sell(customer, [(campaign("Frühling"), 1234.56), (None, 7)], posting_date=day(40)))
	sell(customer, [(campaign("Herbst"), 33.33)])
	filters = {"company": COMPANY, "from_date": day(90), "to_date": nowdate()}
	with print_language("de"):
		data = frappe._dict(run(report, filters=filters))
	assert data.chart and data.report_summary
	data.columns = [frappe._dict(column) for column in data.columns]
	sheet = build_xlsx_data(data, list(range(len(data.result))), 0)
	sheet = sheet[0] if isinstance(sheet, tuple) else sheet
	head, *lines = sheet
	assert len(lines) == len(data.result) and len(head) == len(
		[c for c in data.columns if not c.get("hidden")]
	)
	for column, label in zip(data.columns, head, strict=True):
		assert column.label in str(label)
	amounts = [number for number, column in enumerate(data.columns) if column.fieldtype == "Currency"]
	assert amounts and {data.columns[number].options for number in amounts} == {"currency"}
	currency = next(i for i, column in enumerate(data.columns) if column.fieldname == "currency")
	for row, line in zip(data.result, lines, strict=True):
		for number in amounts:
			value = row.get(data.columns[number].fieldname)
			assert line[number] == value or (value is None and not line[number])
			if value is not None:
				assert line[currency] == "EUR" and float(cents(value)) == value


@pytest.mark.parametrize("report", REPORTS)
def test_who_may_not_read_the_books_sees_no_report(report, monkeypatch):
	filters = {"company": COMPANY, "from_date": day(9), "to_date": nowdate()}
	frappe.set_user(factories.user(None, "Relation User", "Stock User"))
	with pytest.raises(frappe.PermissionError):
		run(report, filters=filters)
	frappe.set_user(factories.user(None, "Accounts User"))
	assert run(report, filters=filters)["columns"]
	frappe.set_user("Administrator")
	user, other = factories.user(None, "Accounts User"), factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()
	factories.insert("User Permission", user=user, allow="Company", for_value=other)
	frappe.set_user(user)
	with pytest.raises(frappe.PermissionError):
		run(report, filters=filters)
