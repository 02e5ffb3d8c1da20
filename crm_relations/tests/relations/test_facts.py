"""Test that figures match the documents after a full or partial refresh, and that each opens its documents."""

from datetime import date
from decimal import Decimal
from typing import Any

import frappe
import pytest
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice
from frappe.utils import add_days, add_months, getdate, nowdate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_relations.demo.company import COMPANY, account
from crm_relations.pipeline.importing.masters import fiscal_years as make_fiscal_years
from crm_relations.relations import checks
from crm_relations.relations.creation import merge
from crm_relations.relations.facts import api, build, classes, jobs, queries, queue, sql
from crm_relations.relations.facts.sources import CONTACTS, FACTS, ITEM_GROUPS, Scope, sources
from crm_relations.relations.identities import identity
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import cents, credit_note, journal
from crm_relations.tests.support.machine.commits import in_another_session

pytestmark = pytest.mark.site

STAMPS = {"creation", "modified"}


def relation_of(customer: str) -> str:
	return identity.adopt("Customer", customer)


def refreshed(relation: str) -> Any:
	"""Refresh this relation only, and return its row of Relation Facts for the company."""
	build.refresh([relation])
	return stored(relation)


def stored(relation: str) -> Any:
	rows = frappe.get_all(FACTS, {"relation": relation, "company": COMPANY}, ["*"], order_by="name asc")
	return rows[0] if rows else None


def everything(relations: list[str]) -> dict[str, list[dict]]:
	"""Return all rows of these relations, without the time stamps of writing."""
	found = {}
	for doctype in (FACTS, ITEM_GROUPS, CONTACTS):
		rows = frappe.get_all(doctype, {"relation": ["in", relations]}, ["*"], order_by="name asc", limit=0)
		found[doctype] = [{k: v for k, v in row.items() if k not in STAMPS} for row in rows]
	return found


def fill_all() -> None:
	"""Rebuild all figures in the test's transaction."""
	build.fill_all(Scope(getdate(nowdate())))


def work_off() -> None:
	"""Process the queue as the job does, in the test's transaction, with what other tests have left in it."""
	waiting = queue.take(1_000_000)
	if relations := queue.relations_in(waiting):
		build.refresh(relations)
	queue.settle([row.name for row in waiting])


@pytest.fixture(autouse=True)
def fiscal_years():
	"""Create fiscal years for three years back, because the documents here are that old."""
	make_fiscal_years(COMPANY, getdate(add_months(nowdate(), -36)), getdate(nowdate()))
	frappe.cache.delete_value("fiscal_years")


@pytest.fixture
def customer():
	return factories.customer().name


@pytest.fixture
def relation(customer):
	return relation_of(customer)


@pytest.fixture
def goods():
	return factories.item().name


def months_ago(number: int, days: int = 0) -> str:
	return str(add_days(add_months(nowdate(), -number), days))


# ── what counts ────────────────────────────────────────────────────────────────────────────────


def test_revenue_is_net_of_the_last_12_and_24_months_and_in_all(customer, relation, goods):
	factories.invoice(customer, [(goods, 1, 100)], posting_date=months_ago(1))
	factories.invoice(
		customer, [(goods, 1, 20)], posting_date=months_ago(12)
	)  # one day too old for the 12 months
	factories.invoice(customer, [(goods, 1, 3)], posting_date=months_ago(12, 1))
	factories.invoice(customer, [(goods, 2, 1000)], posting_date=months_ago(30))
	row = refreshed(relation)
	assert (row.revenue_12_months, row.revenue_24_months, row.revenue_total) == (103, 123, 2123)
	assert cents(row.billed_12_months) == cents(103 * 1.19)
	assert row.currency == "EUR"


def test_credit_notes_count_with_their_sign_and_cancelled_documents_do_not(customer, relation, goods):
	kept = factories.invoice(customer, [(goods, 3, 100)])
	dropped = factories.invoice(customer, [(goods, 1, 50)])
	credit_note(factories.invoice(customer, [(goods, 1, 40)]))
	dropped.reload()
	dropped.cancel()
	row = refreshed(relation)
	assert (row.revenue_12_months, row.credit_notes_12_months, row.returns) == (300, -40, 1)
	assert (row.orders, str(row.last_invoice)) == (2, nowdate())
	assert cents(row.open_amount) == cents(kept.grand_total)


def test_an_opening_invoice_is_open_but_no_revenue(customer, relation, goods):
	group = frappe.db.get_value("Account", {"company": COMPANY, "root_type": "Asset", "is_group": 1})
	opening = factories.insert(
		"Account",
		account_name=factories.unique("Eröffnung"),
		parent_account=group,
		company=COMPANY,
		account_type="Temporary",
	).name
	doc = factories.invoice(customer, [(goods, 1, 500)], submit=False, taxed=False, is_opening="Yes")
	for row in doc.items:
		row.income_account = opening
	doc.save()
	doc.submit()
	row = refreshed(relation)
	assert (row.revenue_total, row.orders) == (0, 0)
	assert row.open_amount == 500


def test_an_order_and_its_invoice_are_one_order_and_a_direct_sale_is_another(customer, relation, goods):
	order = sales_order(customer, goods, 2, 100, months_ago(2))
	invoice = make_sales_invoice(order.name)
	invoice.insert()
	invoice.submit()
	factories.invoice(customer, [(goods, 1, 10)], posting_date=months_ago(1))
	row = refreshed(relation)
	days = (getdate(months_ago(1)) - getdate(months_ago(2))).days
	assert (row.orders, row.order_days, row.orders_24_months) == (2, 2, 2)
	assert (str(row.first_order), str(row.last_order)) == (months_ago(2), months_ago(1))
	assert row.rhythm_days == days


def test_the_rhythm_is_the_mean_distance_of_order_days(customer, relation, goods):
	for ago in (100, 70, 70, 10):
		factories.invoice(customer, [(goods, 1, 10)], posting_date=str(add_days(nowdate(), -ago)))
	row = refreshed(relation)
	assert (row.orders, row.order_days, row.rhythm_days) == (4, 3, 45)


def test_overdue_is_what_is_open_after_its_due_date_and_credits_are_not_deducted(customer, relation, goods):
	old = factories.invoice(customer, [(goods, 1, 100)], taxed=False, posting_date=months_ago(3))
	factories.invoice(customer, [(goods, 1, 30)], taxed=False)
	factories.pay(old, 40)
	standalone = factories.invoice(customer, [(goods, -1, 5)], taxed=False, is_return=1)
	row = refreshed(relation)
	assert standalone.outstanding_amount == -5
	assert (row.open_amount, row.overdue_amount) == (85, 60)
	assert str(row.overdue_since) == str(old.due_date)
	assert row.days_sales_outstanding == round(
		85 / 125 * (getdate(nowdate()) - getdate(months_ago(12))).days, 1
	)


def test_the_margin_counts_only_lines_whose_cost_is_known(customer, relation, goods):
	doc = factories.invoice(customer, [(goods, 2, 100), (goods, 1, 70)])
	assert queries.facts_of(relation) == []
	build.refresh([relation])
	assert queries.facts_of(relation)[0]["margin_12_months"] is None
	frappe.db.set_value("Sales Invoice Item", doc.items[0].name, "incoming_rate", 60)
	build.refresh([relation])
	row = queries.facts_of(relation)[0]
	assert (row["margin_12_months"], row["margin_base_12_months"]) == (80, 200)


def test_item_groups_bought_stand_with_amount_and_last_date(customer, relation, goods):
	other = factories.item().name
	frappe.db.set_value("Item", other, "item_group", "Products")
	factories.invoice(customer, [(goods, 1, 100), (other, 1, 7)], posting_date=months_ago(14))
	credit_note(factories.invoice(customer, [(goods, 1, 25)], posting_date=months_ago(2)))
	build.refresh([relation])
	found = {
		row.item_group: (row.amount, row.amount_12_months, str(row.last_bought))
		for row in frappe.get_all(ITEM_GROUPS, {"relation": relation}, ["*"], order_by="name asc")
	}
	assert found == {"Services": (100, 0, months_ago(2)), "Products": (7, 0, months_ago(14))}


def test_quotations_and_opportunities_count_while_they_are_open_also_those_to_the_former_lead(goods):
	lead = factories.lead()
	relation = identity.adopt("Lead", lead.name)
	quotation(("Lead", lead.name), goods, 400)
	factories.insert("Opportunity", opportunity_from="Lead", party_name=lead.name, company=COMPANY)
	lost = factories.insert("Opportunity", opportunity_from="Lead", party_name=lead.name, company=COMPANY)
	row = refreshed(relation)
	assert (row.open_quotations, row.open_quotations_amount, row.open_opportunities) == (1, 400, 2)
	lost.status = "Closed"
	lost.save()
	work_off()
	assert stored(relation).open_opportunities == 1


def test_contacts_complaints_and_answers_are_counted_by_kind(relation):
	def log(kind, day, **values):
		factories.insert(
			"Relation Interaction", relation=relation, kind=kind, subject=kind, happened_on=day, **values
		)

	log("Call", "2026-03-01 10:00:00", outcome="Successful")
	log("Call", "2026-05-01 10:00:00", outcome="No Answer")
	log("Visit", "2026-04-01 10:00:00")
	log("Complaint", "2026-02-01 10:00:00", outcome="Solved")
	log("Complaint", "2026-02-02 10:00:00", outcome="Open")
	work_off()
	row = queries.contact_facts_of(relation)
	assert (row["last_call"], row["last_visit"], row["last_contact"]) == (
		date(2026, 3, 1),
		date(2026, 4, 1),
		date(2026, 4, 1),
	)
	assert (row["complaints"], row["open_complaints"], row["last_complaint"]) == (2, 1, date(2026, 2, 2))


def test_a_mail_to_the_customer_and_one_to_the_relation_are_the_last_e_mail(customer, relation):
	for doctype, name, day in (("Customer", customer, "2026-06-01"), ("Relation", relation, "2026-05-01")):
		factories.insert(
			"Communication",
			communication_type="Communication",
			communication_medium="Email",
			reference_doctype=doctype,
			reference_name=name,
			subject="Gruß",
			communication_date=f"{day} 09:00:00",
		)
	work_off()
	assert queries.contact_facts_of(relation)["last_email"] == date(2026, 6, 1)


# ── the queue ──────────────────────────────────────────────────────────────────────────────────


def test_submitting_an_invoice_costs_one_row_in_the_queue(customer, relation, goods):
	doc = factories.invoice(customer, [(goods, 1, 100)], submit=False)
	before = queue.length()
	doc.submit()
	assert queue.length() == before + 1
	assert queue.waits(relation)
	work_off()
	assert not queue.waits(relation)
	assert stored(relation).revenue_total == 100


def test_a_party_that_changes_while_it_is_refreshed_is_refreshed_again(customer, relation, goods):
	factories.invoice(customer, [(goods, 1, 100)])
	taken = queue.take(1000)
	build.refresh(queue.relations_in(taken))
	factories.invoice(customer, [(goods, 1, 11)])  # committed by another session after our read
	queue.settle([row.name for row in taken])
	assert queue.waits(relation)
	work_off()
	assert stored(relation).revenue_total == 111


def test_payments_reconciliation_and_journals_reach_the_facts_by_the_ledger(customer, relation, goods):
	invoice = factories.invoice(customer, [(goods, 1, 100)], taxed=False)
	advance = factories.insert(
		"Payment Entry",
		payment_type="Receive",
		company=COMPANY,
		party_type="Customer",
		party=customer,
		paid_from=invoice.debit_to,
		paid_to=account(COMPANY, "1800"),
		paid_amount=30,
		received_amount=30,
		source_exchange_rate=1,
		target_exchange_rate=1,
		reference_no="Test",
		reference_date=nowdate(),
		posting_date=nowdate(),
	)
	advance.submit()
	work_off()
	assert stored(relation).open_amount == 70
	reconcile(customer, invoice.debit_to)
	assert queue.waits(relation)
	work_off()
	assert stored(relation).open_amount == 70
	party = {"party_type": "Customer", "party": customer}
	journal([(invoice.debit_to, 0, 20, party), (account(COMPANY, "1800"), 20, 0)])
	work_off()
	assert stored(relation).open_amount == 50


def test_what_ages_is_found_without_a_document(customer, relation, goods, monkeypatch):
	factories.invoice(customer, [(goods, 1, 100)], posting_date=months_ago(11))
	row = refreshed(relation)
	assert row.revenue_12_months == 100 and row.overdue_amount
	later = str(add_days(row.stale_on, 0))
	assert later == str(add_months(months_ago(11), 12))
	for module in (jobs, build, queries):
		monkeypatch.setattr(module, "nowdate", lambda: later, raising=False)
	frappe.db.delete("Relation Facts Queue")
	assert jobs.mark_stale() >= 1
	assert queue.waits(relation)
	work_off()
	assert stored(relation).revenue_12_months == 0
	assert stored(relation).revenue_24_months == 100


def test_who_bought_what_was_valued_anew_is_found_by_the_daily_job(customer, relation, goods):
	factories.invoice(customer, [(goods, 1, 100)])
	work_off()
	assert not queue.waits(relation)
	repost = frappe.new_doc("Repost Item Valuation")
	repost.update({"based_on": "Item and Warehouse", "item_code": goods, "status": "Completed"})
	repost.set_new_name()
	repost.db_insert()
	assert jobs.mark_revalued() == 1
	assert queue.waits(relation)


def test_the_check_tells_of_changes_that_nobody_takes_in(customer):
	frappe.db.delete("Relation Facts Queue")
	queue.mark("Customer", customer)
	assert not [f for f in checks.findings() if f.code == "facts-waiting"]
	frappe.db.set_value("Relation Facts Queue", {"party": customer}, "creation", add_days(nowdate(), -1))
	(found,) = (f for f in checks.findings() if f.code == "facts-waiting")
	assert found.message.startswith("1 ") and found.remedy


def test_a_deleted_relation_leaves_no_facts_and_a_folded_one_gives_its_own_to_the_other(goods):
	one, two = factories.customer(), factories.customer()
	keep, other = relation_of(one.name), relation_of(two.name)
	for doc in (one, two):
		factories.invoice(doc.name, [(goods, 1, 100)])
	build.refresh([keep, other])
	factories.insert(
		"Relation Interaction",
		relation=other,
		kind="Call",
		subject="Anruf",
		happened_on="2026-01-01 10:00:00",
	)
	work_off()

	merge.merge_into(keep, other)
	assert not stored(other)
	work_off()
	assert (stored(keep).revenue_total, stored(keep).orders) == (200, 2)
	assert not frappe.db.exists("Relation", other)

	single = factories.relation()
	factories.insert(
		"Relation Interaction", relation=single.name, kind="Visit", subject="Besuch", happened_on="2026-01-01"
	)
	work_off()
	assert queries.contact_facts_of(single.name)
	frappe.db.delete("Relation Interaction", {"relation": single.name})
	frappe.delete_doc("Relation", single.name)
	work_off()
	assert not queries.contact_facts_of(single.name)


# ── full and partial refresh ───────────────────────────────────────────────────────────────────

ACTIONS = (
	"invoice",
	"order",
	"bill",
	"quote",
	"credit",
	"cancel",
	"pay",
	"advance",
	"reconcile",
	"unpay",
	"age",
)


@settings(
	max_examples=6,
	deadline=None,
	database=None,
	derandomize=True,
	suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
	steps=st.lists(
		st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2), st.integers(0, 400), st.integers(1, 9)),
		min_size=3,
		max_size=9,
	)
)
def test_incremental_equals_full(steps):
	"""Change the documents at random, and compare the refresh by the queue with a full build."""
	frappe.db.savepoint("example")
	try:
		trade = Trade()
		for action, party, ago, number in steps:
			getattr(trade, action)(party, str(add_days(nowdate(), -ago)), number)
			if number % 2:
				work_off()
		work_off()
		classes.determine()
		incremental = everything(trade.relations)
		fill_all()
		assert everything(trade.relations) == incremental
	finally:
		frappe.db.rollback(save_point="example")
		frappe.clear_cache()


class Trade:
	"""Three customers of two relations (two of them are one relation), and their purchases so far."""

	def __init__(self) -> None:
		self.customers = [factories.customer().name for _ in range(3)]
		self.relations = [relation_of(name) for name in self.customers]
		identity.adopt("Customer", self.customers[2])

		merge.merge_into(self.relations[1], self.relations[2])
		self.items = [factories.item().name, factories.item().name]
		frappe.db.set_value("Item", self.items[1], "item_group", "Products")
		self.invoices: list[str] = []
		self.orders: list[str] = []
		self.payments: list[str] = []

	def invoice(self, party: int, day: str, number: int) -> None:
		lines = [(self.items[number % 2], number, 10), (self.items[0], 1, 3)]
		doc = factories.invoice(self.customers[party], lines, taxed=bool(number % 3), posting_date=day)
		self.invoices.append(doc.name)

	def order(self, party: int, day: str, number: int) -> None:
		self.orders.append(sales_order(self.customers[party], self.items[0], number, 20, day).name)

	def bill(self, party: int, day: str, number: int) -> None:
		if self.orders:
			doc = make_sales_invoice(self.orders.pop())
			doc.insert()
			doc.submit()
			self.invoices.append(doc.name)

	def quote(self, party: int, day: str, number: int) -> None:
		doc = quotation(("Customer", self.customers[party]), self.items[1], number * 10)
		if number % 2:
			order = make_sales_order(doc.name)
			order.delivery_date = add_days(nowdate(), 7)
			order.insert()
			order.submit()
			self.orders.append(order.name)

	def credit(self, party: int, day: str, number: int) -> None:
		if self.invoices:
			credit_note(frappe.get_doc("Sales Invoice", self.invoices.pop()))

	def cancel(self, party: int, day: str, number: int) -> None:
		if self.invoices:
			doc = frappe.get_doc("Sales Invoice", self.invoices.pop())
			doc.flags.ignore_links = True
			doc.cancel()

	def pay(self, party: int, day: str, number: int) -> None:
		if self.invoices:
			doc = frappe.get_doc("Sales Invoice", self.invoices[-1])
			if doc.outstanding_amount > number:
				self.payments.append(factories.pay(doc, number, date=nowdate()).name)

	def advance(self, party: int, day: str, number: int) -> None:
		debtors = frappe.get_cached_value("Company", COMPANY, "default_receivable_account")
		row = {"party_type": "Customer", "party": self.customers[party], "is_advance": "Yes"}
		journal([(debtors, 0, number, row), (account(COMPANY, "1800"), number, 0)], posting_date=day)

	def reconcile(self, party: int, day: str, number: int) -> None:
		debtors = frappe.get_cached_value("Company", COMPANY, "default_receivable_account")
		reconcile(self.customers[party], debtors)

	def unpay(self, party: int, day: str, number: int) -> None:
		if self.payments:
			frappe.get_doc("Payment Entry", self.payments.pop()).cancel()

	def age(self, party: int, day: str, number: int) -> None:
		jobs.mark_stale()


def test_on_every_database_the_sources_side_by_side_give_what_they_give_one_by_one(customer, relation, goods):
	"""Compare `fill`, which combines the sources on MariaDB, with `rows`, which other databases write."""
	factories.invoice(customer, [(goods, 1, 100)], posting_date=months_ago(3))
	sales_order(customer, goods, 1, 50, months_ago(5))
	fill_all()
	filled = everything([relation])
	for doctype in build.TABLES:
		frappe.db.delete(doctype)
		columns, query = sql.rows(doctype, Scope(getdate(nowdate())))
		if rows := query.run():
			frappe.db.bulk_insert(doctype, columns, rows)
	classes.apply()
	assert everything([relation]) == filled


def test_slices_of_customers_and_the_job_give_what_all_at_once_gives(goods, monkeypatch):
	customers = [factories.customer(factories.unique(name)).name for name in ("Ähre", "ahorn", "Zoë")]
	relations = [relation_of(name) for name in customers]
	for number, name in enumerate(customers, start=1):
		factories.invoice(name, [(goods, number, 100)], posting_date=months_ago(number))
		sales_order(name, goods, 1, 50, months_ago(5))
	merge.merge_into(relations[0], relations[2])  # one relation with two customers in two slices
	relations = relations[:2]
	fill_all()
	at_once = everything(relations)
	assert len(at_once[FACTS]) == len(at_once[ITEM_GROUPS]) == 2
	monkeypatch.setattr(sql, "CUSTOMERS_AT_ONCE", 2)
	monkeypatch.setattr(sql, "ITEM_GROUPS_AT_ONCE", 1)
	fill_all()
	assert everything(relations) == at_once
	build.refresh(relations, in_database=True)
	assert everything(relations) == at_once


def test_the_daily_job_takes_in_what_waits_and_one_run_at_a_time_writes(monkeypatch):
	"""Commit; the site then has only its own figures."""
	queued = []
	monkeypatch.setattr(jobs, "start_rebuild", lambda: queued.append(True))
	jobs.refresh_stale()
	assert queued or queue.length() == 0
	monkeypatch.setattr(build, "REBUILD_ABOVE", 0)
	monkeypatch.setattr(build, "CHUNK", 0)
	queue.mark("Customer", "none")
	queued.clear()
	jobs.refresh_changed()
	assert queued == [True]
	monkeypatch.undo()
	frappe.db.rollback()

	def busy(wait: bool = False) -> None:
		raise build.FactsBusyError

	monkeypatch.setattr(build, "lock", busy)
	jobs.refresh_changed()
	with pytest.raises(build.FactsBusyError):
		build.rebuild()


def test_two_sellers_to_one_customer_do_not_wait_for_each_other():
	party = factories.unique("Kunde")
	queue.mark("Customer", party)
	(answer,) = in_another_session(lambda: queue.mark("Customer", party))
	try:
		assert answer is None
	finally:
		frappe.db.rollback()
		frappe.db.delete(queue.QUEUE, {"party": party})
		frappe.db.commit()


def test_while_one_run_writes_another_says_that_it_is_busy(relation):
	build.refresh([relation])
	(answer,) = in_another_session(lambda: build.refresh(["any"]))
	assert isinstance(answer, build.FactsBusyError)
	(answer,) = in_another_session(lambda: build.refresh_now("any"))
	assert answer is False


def test_a_rebuild_commits_and_leaves_nothing_of_those_who_are_gone():
	report = build.rebuild().as_dict()
	assert report["facts"] == frappe.db.count(FACTS)
	assert report["contact_facts"] == frappe.db.count(CONTACTS)
	gone = frappe.qb.DocType(FACTS)
	known = frappe.qb.DocType("Relation")
	orphans = (
		frappe.qb.from_(gone).left_join(known).on(known.name == gone.relation).select(gone.name)
	).where(known.name.isnull())
	assert not orphans.run()


# ── classes ────────────────────────────────────────────────────────────────────────────────────


def test_classes_rank_the_customers_of_a_company(goods):
	relations = []
	for number in range(1, 6):
		name = factories.customer().name
		relations.append(relation_of(name))
		factories.invoice(name, [(goods, 1, 10**6 * number)], posting_date=str(add_days(nowdate(), -number)))
	build.refresh(relations)
	classes.determine()
	found = [stored(relation) for relation in relations]
	assert [row.monetary_class for row in found] == sorted(row.monetary_class for row in found)
	assert [row.recency_class for row in found] == sorted((row.recency_class for row in found), reverse=True)
	ranked = frappe.get_all(
		FACTS,
		{"company": COMPANY, "orders": [">", 0]},
		"revenue_24_months",
		pluck="revenue_24_months",
		order_by="revenue_24_months asc",
		limit=0,
	)
	for row in found:
		assert row.monetary_class == 1 + ranked.index(row.revenue_24_months) * 5 // len(ranked)


# ── documents and permissions ──────────────────────────────────────────────────────────────────


def test_every_figure_opens_the_documents_whose_sum_it_is(customer, relation, goods):
	old = factories.invoice(customer, [(goods, 1, 100)], posting_date=months_ago(14))
	factories.invoice(customer, [(goods, 2, 30)], posting_date=months_ago(2))
	credit_note(factories.invoice(customer, [(goods, 1, 40)]))
	factories.pay(old, 50)
	sales_order(customer, goods, 1, 99, months_ago(1))
	quotation(("Customer", customer), goods, 70)
	factories.insert("Opportunity", opportunity_from="Customer", party_name=customer, company=COMPANY)
	row = refreshed(relation)
	checked = 0
	for figure in queries.needs():
		listings = api.documents(relation, figure, COMPANY)
		sums = [summed(listing) for listing in listings if listing["adds_up"]]
		if sums and figure in queries.ADDITIVE:
			assert cents(sum(sums)) == cents(row[figure]), figure
			checked += 1
		elif figure in queries.ADDITIVE and not figure.startswith("margin"):
			assert not row[figure], figure
	assert checked >= 13


def summed(listing: dict) -> Decimal:
	"""Return what the user sees under the list or report: the sum of the column, or the number of documents."""
	if listing["is_report"]:
		from erpnext.accounts.report.accounts_receivable.accounts_receivable import execute

		rows = execute(frappe._dict(listing["filters"]))[1]
		return sum((cents(row[listing["adds_up"]]) for row in rows), Decimal(0))
	rows = frappe.get_list(
		listing["doctype"],
		filters=listing["filters"],
		fields=["name", listing["adds_up"]],
		limit=0,
		order_by="name asc",
	)
	if listing["adds_up"] == "name":
		return Decimal(len(rows))
	return sum((cents(row[listing["adds_up"]]) for row in rows), Decimal(0))


def test_amounts_are_for_those_who_may_read_invoices(customer, relation, goods):
	factories.invoice(customer, [(goods, 1, 100)])
	sales_order(customer, goods, 1, 20, nowdate())
	build.refresh([relation])
	seller, accountant = factories.user(None, "Sales User"), factories.user(None, "Accounts User")
	frappe.set_user(accountant)
	assert queries.facts_of(relation)[0]["revenue_total"] == 100
	assert queries.item_groups_of(relation)
	frappe.set_user(seller)
	row = queries.facts_of(relation)[0]
	assert row["orders"] == 2
	assert row["revenue_total"] is None and row["open_amount"] is None and row["monetary_class"] is None
	assert queries.item_groups_of(relation) == []
	assert queries.listings(relation, COMPANY, "revenue_total") == []
	assert not frappe.has_permission(FACTS, "read")


def test_who_is_kept_to_other_customers_sees_no_figures_of_this_one(customer, relation, goods):
	factories.invoice(customer, [(goods, 1, 100)])
	build.refresh([relation])
	name = stored(relation).name
	accountant = factories.user(None, "Accounts User")
	factories.insert(
		"User Permission", user=accountant, allow="Customer", for_value=factories.customer().name
	)
	frappe.set_user(accountant)
	assert not any(row["revenue_total"] for row in queries.facts_of(relation))
	assert not queries.may_see_amounts(relation)
	for doctype in (FACTS, ITEM_GROUPS):
		assert not frappe.get_list(doctype, {"relation": relation}, order_by="name asc")
	assert not frappe.has_permission(FACTS, "read", doc=name)
	frappe.set_user(factories.user(None, "Accounts User"))
	assert frappe.get_list(FACTS, {"relation": relation}, order_by="name asc")
	assert frappe.has_permission(FACTS, "read", doc=name)


def test_no_two_sources_give_one_figure_unless_it_folds_the_same():
	for doctype in (FACTS, CONTACTS):
		folds: dict[str, str] = {}
		meta = frappe.get_meta(doctype)
		for part in sources(doctype):
			for column, fold in part.columns.items():
				assert meta.has_field(column), column
				assert folds.setdefault(column, fold) == fold, column


# ── documents ──────────────────────────────────────────────────────────────────────────────────


def sales_order(customer: str, item: str, qty: float, rate: float, day: str) -> Any:
	doc = frappe.get_doc(
		{
			"doctype": "Sales Order",
			"company": COMPANY,
			"customer": customer,
			"transaction_date": day,
			"delivery_date": add_days(day, 7),
			"items": [factories.line(item, qty, rate)],
		}
	)
	doc.insert()
	doc.submit()
	return doc


def quotation(party: tuple[str, str], item: str, rate: float) -> Any:
	doc = frappe.get_doc(
		{
			"doctype": "Quotation",
			"company": COMPANY,
			"quotation_to": party[0],
			"party_name": party[1],
			"transaction_date": nowdate(),
			"valid_till": add_days(nowdate(), 30),
			"items": [factories.line(item, 1, rate)],
		}
	)
	doc.insert()
	doc.submit()
	return doc


def reconcile(customer: str, debtors: str) -> None:
	"""Reconcile all open vouchers of a customer with ERPNext's Payment Reconciliation."""
	doc = frappe.get_doc("Payment Reconciliation")
	doc.update(
		{
			"company": COMPANY,
			"party_type": "Customer",
			"party": customer,
			"receivable_payable_account": debtors,
			"invoices": [],
			"payments": [],
			"allocation": [],
		}
	)
	doc.get_unreconciled_entries()
	if not (doc.invoices and doc.payments):
		return
	rows = {
		"invoices": [row.as_dict() for row in doc.invoices],
		"payments": [row.as_dict() for row in doc.payments],
	}
	doc.allocate_entries(frappe._dict(rows))
	doc.reconcile()
