"""Test that attribution is rebuilt from the invoices, and that the report agrees with the statement."""

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_relations.crm_relations.report.campaign_statement.campaign_statement import FIGURES, execute
from crm_relations.demo.company import COMPANY
from crm_relations.ledger import api
from crm_relations.ledger.attributions import attribution
from crm_relations.ledger.statements.statement import statement
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.books import campaign, credit_note, journal, sell
from crm_relations.tests.support.machine.commits import held_back

pytestmark = pytest.mark.site

FIELDS = [
	"campaign",
	"relation",
	"company",
	"voucher_type",
	"voucher_no",
	"voucher_detail_no",
	"posting_date",
	"account",
	"item_code",
	"share",
	"amount",
	"is_return",
	"rule",
	"evidence",
]


@pytest.fixture
def customer():
	return factories.customer().name


@pytest.fixture
def story(customer):
	"""Create an invoice of two campaigns and of a line without one, and the credit note of its first line."""
	spring, autumn = campaign("Frühling"), campaign("Herbst")
	invoice = sell(customer, [(spring, 100), (autumn, 200), (None, 50)])
	note = credit_note(invoice, lambda row: row.relation_campaign == spring)
	return frappe._dict(spring=spring, autumn=autumn, invoice=invoice, note=note)


def rows_of(*vouchers: str) -> list[dict]:
	return frappe.get_all(
		"Relation Attribution",
		{"voucher_no": ["in", vouchers]},
		FIELDS,
		order_by="voucher_no asc, voucher_detail_no asc",
	)


def rebuild(**scope) -> dict[str, int]:
	with held_back():
		return attribution.rebuild(COMPANY, **scope)


def test_a_rebuilt_attribution_is_the_one_that_submitting_wrote(story):
	written = rows_of(story.invoice.name, story.note.name)
	assert [(row.campaign, row.amount) for row in written if not row.is_return] == [
		(line.relation_campaign, line.base_net_amount)
		for line in sorted(story.invoice.items, key=lambda line: line.name)
		if line.relation_campaign
	]
	rebuild()
	assert rows_of(story.invoice.name, story.note.name) == written
	rebuild()
	assert rows_of(story.invoice.name, story.note.name) == written


def test_missing_and_changed_rows_are_mended(story):
	written = rows_of(story.invoice.name, story.note.name)
	first, second = frappe.get_all(
		"Relation Attribution", {"voucher_no": story.invoice.name}, pluck="name", order_by="name asc"
	)
	frappe.db.delete("Relation Attribution", {"name": first})
	frappe.db.set_value("Relation Attribution", second, {"amount": 1, "campaign": story.spring})
	rebuild()
	assert rows_of(story.invoice.name, story.note.name) == written


@pytest.mark.parametrize("state", ["cancelled", "draft", "gone"])
def test_rows_of_an_invoice_that_is_not_posted_go(story, state):
	if state == "gone":
		frappe.db.set_value(
			"Relation Attribution", {"voucher_no": story.note.name}, "voucher_no", "No invoice"
		)
	else:
		frappe.db.set_value(
			"Sales Invoice", story.note.name, "docstatus", {"draft": 0, "cancelled": 2}[state]
		)
	counts = rebuild()
	assert counts["removed"] >= 1
	assert len(rows_of(story.invoice.name)) == 2
	assert not rows_of("No invoice")
	assert bool(rows_of(story.note.name)) == (state == "gone")


def test_a_row_of_a_line_that_lost_its_campaign_goes(story):
	frappe.db.set_value("Sales Invoice Item", story.invoice.items[0].name, "relation_campaign", None)
	rebuild()
	assert [row.campaign for row in rows_of(story.invoice.name)] == [story.autumn]


def test_an_invoice_from_before_the_switch_is_attributed_by_a_rebuild(customer):
	frappe.db.set_single_value("Relation Settings", "attribute_invoices", 0)
	spring = campaign("Frühling")
	invoice = sell(customer, [(spring, 100)])
	assert not rows_of(invoice.name)
	assert rebuild()["rows"] >= 1
	assert [(row.campaign, row.amount) for row in rows_of(invoice.name)] == [(spring, 100)]


def test_only_the_company_and_period_asked_for_are_rebuilt(customer):
	spring = campaign("Frühling")
	earlier = sell(customer, [(spring, 100)], posting_date=add_days(nowdate(), -40))
	later = sell(customer, [(spring, 70)])
	for invoice in (earlier, later):
		frappe.db.delete("Relation Attribution", {"voucher_no": invoice.name})
	with held_back():
		attribution.rebuild("Another company")
		assert not rows_of(earlier.name, later.name)
		attribution.rebuild(COMPANY, from_date=add_days(nowdate(), -10))
	assert not rows_of(earlier.name) and rows_of(later.name)
	rebuild(to_date=add_days(nowdate(), -10))
	assert rows_of(earlier.name)


def test_a_killed_rebuild_goes_on_without_loss_or_doubling(story, monkeypatch):
	written = rows_of(story.invoice.name, story.note.name)
	monkeypatch.setattr(attribution, "CHUNK", 1)

	def kill(done: int, total: int) -> None:
		raise KeyboardInterrupt

	with held_back():
		with pytest.raises(KeyboardInterrupt):
			attribution.rebuild(COMPANY, on_progress=kill)
		frappe.db.rollback()
		seen = []
		counts = attribution.rebuild(COMPANY, on_progress=lambda done, total: seen.append((done, total)))
	assert rows_of(story.invoice.name, story.note.name) == written
	assert [done for done, _total in seen] == list(range(1, counts["invoices"] + 1))
	assert seen[-1][0] == seen[-1][1]


def test_the_job_tells_progress_and_result_to_who_started_it(story, monkeypatch):
	told = []
	monkeypatch.setattr(
		frappe,
		"publish_realtime",
		lambda event, message=None, user=None, **_more: told.append((event, message, user)),
	)
	monkeypatch.setattr(
		frappe, "publish_progress", lambda percent, title: told.append(("progress", percent, title))
	)
	with held_back():
		api.rebuild_job(COMPANY, "anna@example.com")
	assert [row for row in told if row[0] == "progress"][-1][1] == 100
	event, message, user = told[-1]
	assert (event, user) == ("msgprint", "anna@example.com") and "rebuilt" in message["message"]


def test_a_job_that_fails_says_so(monkeypatch):
	told = []
	monkeypatch.setattr(
		frappe, "publish_realtime", lambda event, message, user: told.append((event, message, user))
	)

	def broken(*_arguments, **_options):
		raise ValueError("the disk is full")

	monkeypatch.setattr(attribution, "rebuild", broken)
	with held_back(), pytest.raises(ValueError):
		api.rebuild_job(None, "anna@example.com")
	assert told[0][2] == "anna@example.com" and "the disk is full" in told[0][1]


def test_the_button_queues_one_job_however_often_it_is_pressed(monkeypatch):
	queued = []

	def enqueue(method, **options):
		if options["deduplicate"] and options["job_id"] in queued:
			return None
		queued.append(options["job_id"])
		return object()

	monkeypatch.setattr(frappe, "enqueue", enqueue)
	assert "already" not in api.rebuild_attribution()["message"]
	assert "already" in api.rebuild_attribution(COMPANY)["message"]
	assert len(queued) == 1
	with pytest.raises(frappe.ValidationError, match="does not exist"):
		api.rebuild_attribution("No such company")


# The report ------------------------------------------------------------------------------------------


def test_the_report_shows_the_statement_and_nothing_of_its_own(story):
	journal_income = journal(
		[
			(frappe.get_cached_value("Company", COMPANY, "default_bank_account"), 80, 0),
			(frappe.get_cached_value("Company", COMPANY, "default_income_account"), 0, 80),
		]
	)
	assert journal_income.docstatus == 1
	filters = {"company": COMPANY, "campaigns": [story.spring, story.autumn], "to_date": nowdate()}
	columns, rows, message, chart, summary = execute(filters)
	result = statement(COMPANY, [story.spring, story.autumn], None, nowdate())
	fields = {column["fieldname"] for column in columns}
	assert {"campaign", "debit", "credit", "root_type", *FIGURES} <= fields

	shown = [row for row in rows if row.get("is_campaign")]
	assert [{name: row[name] for name in ("campaign", *FIGURES)} for row in shown] == [
		{"campaign": figures.campaign, **{name: float(getattr(figures, name)) for name in FIGURES}}
		for figures in result.campaigns
	]
	accounts = [row for row in rows if row.get("account")]
	assert [(r["parent_campaign"], r["account"], r["debit"], r["credit"]) for r in accounts] == [
		(row.campaign, row.account, float(row.debit), float(row.credit)) for row in result.accounts
	]
	totals = [row["revenue"] for row in rows if not row.get("account") and not row.get("is_campaign")]
	expected = [result.not_attributed, result.ledger_income, result.difference]
	if result.other_campaigns:
		expected.insert(0, result.other_campaigns)
	assert totals == [float(amount) for amount in expected]
	assert sum(row["revenue"] + row["credit_notes"] for row in shown) + sum(totals[:-2]) == pytest.approx(
		totals[-2]
	)
	assert rows[-1]["is_difference"] and rows[-1]["revenue"] == 0
	assert message is None
	assert chart["data"]["datasets"][0]["values"] == [float(figures.revenue) for figures in result.campaigns]
	assert [card["value"] for card in summary][-2:] == [float(result.ledger_income), 0.0]


def test_the_report_names_the_vouchers_of_a_difference(story):
	row = frappe.db.get_value(
		"Relation Attribution", {"voucher_no": story.invoice.name, "campaign": story.autumn}
	)
	frappe.db.set_value("Relation Attribution", row, "amount", 201)
	_columns, rows, message, _chart, summary = execute({"company": COMPANY})
	assert rows[-1]["revenue"] == -1
	assert story.invoice.name in message
	assert summary[-1]["indicator"] == "Red"
