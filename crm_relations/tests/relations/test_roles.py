"""Test that roles and stage follow from documents, with their dates, their evidence and their cost."""

import frappe
import pytest
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return
from erpnext.crm.doctype.lead.lead import make_customer, make_opportunity
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from erpnext.selling.doctype.quotation.quotation import make_sales_order, set_expired_status
from frappe.utils import add_days, getdate, nowdate

from crm_relations.relations.identities import identity
from crm_relations.relations.party_documents import debtors
from crm_relations.relations.roles_and_stages import roles
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements
from crm_relations.tests.support.machine.commits import in_another_session

pytestmark = pytest.mark.site


@pytest.fixture(autouse=True)
def no_step_failed():
	"""Fail on a failing step, which is deferred and would otherwise go unnoticed."""
	before = frappe.db.count("Relation Deferred Step")
	yield
	after = frappe.get_all("Relation Deferred Step", fields=["step", "error"], order_by="creation asc")[
		before:
	]
	assert not after, after


def ago(days: int):
	return getdate(add_days(nowdate(), -days))


def relation_of(doc):
	return frappe.get_doc("Relation", identity.relation_of(doc.doctype, doc.name))


def role(doc, name: str):
	"""Return (since, until, proof) of the role, or None."""
	rows = [row for row in relation_of(doc).roles if row.role == name]
	assert len(rows) < 2, "a role held without a break is one row"
	return (rows[0].since, rows[0].until, rows[0].document_name) if rows else None


def times(doc, name: str):
	"""Return (since, until, proof) of every period of the role, oldest first."""
	rows = [row for row in relation_of(doc).roles if row.role == name]
	return sorted((row.since, row.until, row.document_name) for row in rows)


def stage(doc):
	relation = relation_of(doc)
	return relation.stage, relation.stage_since


def order(customer: str, **values):
	doc = factories.insert(
		"Sales Order",
		company=factories.COMPANY,
		customer=customer,
		transaction_date=values.pop("transaction_date", nowdate()),
		delivery_date=nowdate(),
		items=[{**factories.line(factories.item().name, 1, 100), "delivery_date": nowdate()}],
		**values,
	)
	doc.submit()
	return doc


def quotation(party_type: str, party: str, **values):
	doc = factories.insert(
		"Quotation",
		company=factories.COMPANY,
		quotation_to=party_type,
		party_name=party,
		transaction_date=values.pop("transaction_date", nowdate()),
		items=[factories.line(factories.item().name, 1, 100)],
		order_type="Sales",
		**values,
	)
	doc.submit()
	return doc


def invoice(customer: str, **values):
	return factories.invoice(customer, [(factories.item().name, 1, 100)], **values)


# ── each role ──────────────────────────────────────────────────────────────────────────────────


def test_an_open_lead_gives_the_role_lead():
	lead = factories.lead()
	assert role(lead, "Lead") == (getdate(), None, lead.name)
	assert stage(lead) == ("Lead", getdate())


def test_a_lead_that_does_not_want_contact_ends_the_role_and_the_stage_stays():
	lead = factories.lead()
	lead.reload()
	lead.status = "Do Not Contact"
	lead.save()
	assert role(lead, "Lead") == (getdate(), getdate(), lead.name)
	assert stage(lead) == ("Lead", getdate())


def test_a_qualified_lead_is_a_prospect_since_it_was_qualified():
	lead = factories.lead()
	lead.reload()
	lead.update({"qualification_status": "Qualified", "qualified_on": ago(3)})
	lead.save()
	assert role(lead, "Prospect") == (ago(3), None, lead.name)
	assert stage(lead) == ("Prospect", ago(3))


def test_an_open_opportunity_makes_a_prospect_until_it_is_lost():
	customer = factories.customer()
	opportunity = factories.insert(
		"Opportunity",
		opportunity_from="Customer",
		party_name=customer.name,
		transaction_date=ago(5),
		company=factories.COMPANY,
	)
	assert role(customer, "Prospect") == (ago(5), None, opportunity.name)
	opportunity.reload()
	opportunity.status = "Lost"
	opportunity.save()
	assert role(customer, "Prospect") == (ago(5), getdate(), opportunity.name)


def test_a_deleted_opportunity_has_never_made_a_prospect():
	customer = factories.customer()
	opportunity = factories.insert(
		"Opportunity", opportunity_from="Customer", party_name=customer.name, company=factories.COMPANY
	)
	assert role(customer, "Prospect")
	opportunity.reload()
	opportunity.delete()
	assert role(customer, "Prospect") is None
	assert stage(customer) == (None, None)


def test_a_submitted_quotation_makes_a_prospect_and_its_order_a_customer():
	customer = factories.customer()
	offer = quotation("Customer", customer.name, transaction_date=ago(2))
	assert stage(customer) == ("Prospect", ago(2))
	made = make_sales_order(offer.name)
	made.delivery_date = nowdate()
	made.set("payment_schedule", [])  # version 16 copies that of the quotation, due two days ago
	made.insert()
	made.submit()
	assert role(customer, "Prospect") == (ago(2), getdate(), offer.name)
	assert role(customer, "Customer") == (getdate(), None, made.name)
	assert stage(customer) == ("Customer", getdate())


def test_a_cancelled_quotation_has_never_made_a_prospect():
	customer = factories.customer()
	offer = quotation("Customer", customer.name)
	offer.cancel()
	assert role(customer, "Prospect") is None


def test_a_quotation_declared_lost_ends_the_prospect():
	customer = factories.customer()
	offer = quotation("Customer", customer.name, transaction_date=ago(2))
	offer.reload()
	offer.declare_enquiry_lost([], [])
	assert role(customer, "Prospect") == (ago(2), getdate(), offer.name)


def test_an_opportunity_lost_with_its_quotation_ends_the_prospect():
	lead = factories.lead()
	opportunity = make_opportunity(lead.name)
	opportunity.insert()
	offer = make_quotation(opportunity.name)
	offer.update({"company": factories.COMPANY, "order_type": "Sales"})
	offer.append("items", factories.line(factories.item().name, 1, 100))
	offer.insert()
	offer.submit()
	assert role(lead, "Prospect")[1] is None
	offer.reload()
	offer.declare_enquiry_lost([], [])
	assert role(lead, "Prospect")[1] == getdate()


def test_an_opportunity_declared_lost_ends_the_prospect():
	customer = factories.customer()
	opportunity = factories.insert(
		"Opportunity", opportunity_from="Customer", party_name=customer.name, company=factories.COMPANY
	)
	opportunity.reload()
	opportunity.declare_enquiry_lost([], [])
	assert role(customer, "Prospect") == (getdate(), getdate(), opportunity.name)


def test_a_quotation_that_expires_ends_the_prospect_with_the_daily_refresh():
	customer = factories.customer()
	offer = quotation("Customer", customer.name, transaction_date=ago(9), valid_till=ago(-1))
	assert role(customer, "Prospect") == (ago(9), None, offer.name)
	frappe.db.set_value("Quotation", offer.name, "valid_till", ago(4))
	roles.refresh([relation_of(customer).name])
	assert role(customer, "Prospect") == (ago(9), ago(4), offer.name), "before ERPNext's nightly job ran"
	set_expired_status()
	assert frappe.db.get_value("Quotation", offer.name, "status") == "Expired"
	roles.refresh([relation_of(customer).name])
	assert role(customer, "Prospect") == (ago(9), ago(4), offer.name), "and after it"


def test_a_closed_order_was_an_order_and_a_cancelled_one_never_was():
	customer = factories.customer()
	made = order(customer.name, transaction_date=ago(6))
	made.reload()
	made.update_status("Closed")
	roles.refresh([relation_of(customer).name])
	assert role(customer, "Customer") == (ago(6), None, made.name)
	made.update_status("Draft")
	made.reload()
	made.cancel()
	assert role(customer, "Customer") is None


def test_a_customer_is_one_since_the_first_order_or_invoice():
	customer = factories.customer()
	assert stage(customer) == (None, None), "a customer document alone proves nothing"
	later = invoice(customer.name)
	assert role(customer, "Customer") == (getdate(), None, later.name)
	first = order(customer.name, transaction_date=ago(30))
	assert role(customer, "Customer") == (ago(30), None, first.name)
	first.reload()
	first.cancel()
	assert role(customer, "Customer") == (getdate(), None, later.name)


def test_a_cancelled_invoice_takes_the_roles_back():
	customer = factories.customer()
	doc = invoice(customer.name)
	doc.reload()
	doc.cancel()
	assert role(customer, "Customer") is None and role(customer, "Debtor") is None
	assert stage(customer) == (None, None)


def test_a_debtor_is_one_until_everything_is_paid_and_again_with_the_next_invoice():
	customer = factories.customer()
	first = invoice(customer.name, posting_date=str(ago(20)))
	assert role(customer, "Debtor") == (ago(20), None, first.name)
	factories.pay(first, amount=50, date=str(ago(15)))
	assert role(customer, "Debtor") == (ago(20), None, first.name)
	factories.pay(first, date=str(ago(10)))
	assert role(customer, "Debtor") == (ago(20), ago(10), first.name)
	again = invoice(customer.name)
	past, now = times(customer, "Debtor")
	assert past == (ago(20), ago(10), first.name)
	assert now == (getdate(), None, again.name)


def test_a_cancelled_payment_makes_a_debtor_again():
	customer = factories.customer()
	doc = invoice(customer.name)
	entry = factories.pay(doc)
	assert role(customer, "Debtor")[1] == getdate()
	entry.reload()
	entry.cancel()
	assert role(customer, "Debtor")[1] is None


def credit_note(doc, **values):
	note = make_sales_return(doc.name)
	note.update(values)
	note.insert()
	note.submit()
	return note


def test_a_credit_note_over_all_ends_the_debt():
	customer = factories.customer()
	doc = invoice(customer.name)
	credit_note(doc)
	assert role(customer, "Debtor") == (getdate(), getdate(), doc.name)
	assert role(customer, "Customer") == (getdate(), None, doc.name), "it was a customer all the same"


@pytest.mark.parametrize("stays_open", [0, 1])
def test_a_credit_note_ends_the_debt_whether_it_is_allocated_or_stays_open_beside_the_invoice(stays_open):
	customer = factories.customer()
	doc = invoice(customer.name, posting_date=str(ago(5)))
	credit_note(doc, update_outstanding_for_self=stays_open, posting_date=str(ago(2)), set_posting_time=1)
	assert role(customer, "Debtor") == (ago(5), ago(2), doc.name)


def test_a_partial_credit_note_leaves_a_debt():
	customer = factories.customer()
	doc = factories.invoice(customer.name, [(factories.item().name, 2, 100)])
	note = make_sales_return(doc.name)
	note.items[0].qty = -1
	note.insert()
	note.submit()
	assert role(customer, "Debtor") == (getdate(), None, doc.name)


def journal(customer: str, amount: float, day=None):
	"""Submit a journal entry that lowers the customer's receivable by `amount`."""
	receivable = frappe.get_cached_value("Company", factories.COMPANY, "default_receivable_account")
	bank = frappe.get_cached_value("Company", factories.COMPANY, "default_bank_account")
	doc = factories.insert(
		"Journal Entry",
		company=factories.COMPANY,
		posting_date=day or nowdate(),
		cheque_no="J",
		cheque_date=nowdate(),
		accounts=[
			{
				"account": receivable,
				"party_type": "Customer",
				"party": customer,
				"credit_in_account_currency": amount,
			},
			{"account": bank, "debit_in_account_currency": amount},
		],
	)
	doc.submit()
	return doc


def test_a_journal_entry_over_the_balance_ends_the_debt_and_its_cancellation_brings_it_back():
	customer = factories.customer()
	doc = invoice(customer.name, posting_date=str(ago(5)))
	entry = journal(customer.name, doc.grand_total, ago(1))
	assert role(customer, "Debtor") == (ago(5), ago(1), doc.name)
	entry.reload()
	entry.cancel()
	assert role(customer, "Debtor") == (ago(5), None, doc.name)


def test_an_advance_that_covers_the_invoice_leaves_no_debt_before_it_is_allocated():
	customer = factories.customer()
	journal(customer.name, 500, ago(3))
	invoice(customer.name)
	assert times(customer, "Debtor") == []
	invoice(customer.name, posting_date=str(ago(9)))
	assert [(since, until) for since, until, _ in times(customer, "Debtor")] == [(ago(9), ago(3))]


def test_a_payment_dated_back_shortens_a_debt_that_is_over():
	customer = factories.customer()
	doc = invoice(customer.name, posting_date=str(ago(20)))
	factories.pay(doc, date=str(ago(4)))
	journal(customer.name, doc.grand_total, ago(12))
	assert role(customer, "Debtor") == (ago(20), ago(12), doc.name)


def test_of_many_debts_the_latest_are_kept():
	customer = factories.customer()
	for number in range(debtors.KEPT + 2, 0, -1):
		doc = invoice(customer.name, posting_date=str(ago(number * 5)))
		factories.pay(doc, date=str(ago(number * 5 - 2)))
	found = times(customer, "Debtor")
	assert len(found) == debtors.KEPT
	assert found[-1][:2] == (ago(5), ago(3))


def test_an_advance_makes_nobody_a_debtor():
	customer = factories.customer()
	account = frappe.get_cached_value("Company", factories.COMPANY, "default_receivable_account")
	bank = frappe.get_cached_value("Company", factories.COMPANY, "default_bank_account")
	entry = factories.insert(
		"Payment Entry",
		payment_type="Receive",
		company=factories.COMPANY,
		party_type="Customer",
		party=customer.name,
		paid_from=account,
		paid_to=bank,
		paid_amount=100,
		received_amount=100,
		source_exchange_rate=1,
		target_exchange_rate=1,
		reference_no="A",
		reference_date=nowdate(),
	)
	entry.submit()
	roles.refresh([relation_of(customer).name])
	assert role(customer, "Debtor") is None


def test_supplier_and_employee_follow_from_their_documents():
	vendor = factories.insert(
		"Supplier", supplier_name=factories.unique("Lieferant"), supplier_group="Services"
	)
	assert role(vendor, "Supplier") == (getdate(), None, vendor.name)
	worker = factories.insert(
		"Employee",
		first_name=factories.unique("Rosa"),
		company=factories.COMPANY,
		gender="Female",
		date_of_birth="1990-01-01",
		date_of_joining="2020-02-01",
	)
	assert role(worker, "Employee") == (getdate("2020-02-01"), None, worker.name)
	worker.reload()
	worker.update({"status": "Left", "relieving_date": ago(4)})
	worker.save()
	assert role(worker, "Employee") == (getdate("2020-02-01"), ago(4), worker.name)


def test_a_conversion_ends_the_lead_and_starts_the_customer_in_one_file():
	lead = factories.lead()
	opportunity = make_opportunity(lead.name)
	opportunity.insert()
	assert stage(lead) == ("Prospect", getdate())
	customer = make_customer(lead.name)
	customer.update({"customer_group": "Commercial", "territory": "Germany"})
	customer.insert()
	assert role(lead, "Lead") == (getdate(), getdate(), lead.name)
	invoice(customer.name)
	assert stage(lead) == ("Customer", getdate())
	assert relation_of(lead).name == relation_of(customer).name


# ── custom roles ───────────────────────────────────────────────────────────────────────────────


def own_role(**values) -> str:
	return factories.insert("Relation Role Type", role_name=factories.unique("Partner"), **values).name


def test_a_role_of_ones_own_survives_every_refresh():
	partner = own_role()
	customer = factories.customer()
	relation = relation_of(customer)
	relation.append("roles", {"role": partner, "since": ago(7)})
	relation.save()
	invoice(customer.name)
	roles.refresh([relation.name])
	assert role(customer, partner) == (ago(7), None, None)
	assert role(customer, "Customer")


def test_a_stage_of_ones_own_counts_as_a_stage():
	champion = own_role(is_stage=1, stage_order=9)
	customer = factories.customer()
	relation = relation_of(customer)
	relation.append("roles", {"role": champion, "since": ago(1)})
	relation.save()
	invoice(customer.name)
	assert stage(customer) == (champion, ago(1))


def test_a_derived_role_cannot_be_given_by_hand():
	with pytest.raises(frappe.ValidationError, match="Customer follows from the documents"):
		factories.relation(roles=[{"role": "Customer", "since": ago(1)}])
	customer = factories.customer()
	invoice(customer.name)
	relation = relation_of(customer)
	relation.roles[0].until = nowdate()
	with pytest.raises(frappe.ValidationError, match="cannot be added or changed here"):
		relation.save()
	relation.reload()
	relation.roles = []
	with pytest.raises(frappe.ValidationError, match="follows from the documents"):
		relation.save()


def test_a_standard_role_type_cannot_be_deleted():
	with pytest.raises(frappe.ValidationError):
		frappe.delete_doc("Relation Role Type", "Customer")


# ── cost and repetition ────────────────────────────────────────────────────────────────────────


def test_an_invoice_of_a_customer_and_debtor_costs_one_read():
	customer = factories.customer()
	invoice(customer.name)
	doc = invoice(customer.name)
	doc.relation = identity.relation_of("Customer", customer.name)
	with sent_statements() as found:
		roles.refresh_for_document(doc)
	assert len(found) == 1, found


def test_a_refresh_that_finds_nothing_new_writes_nothing():
	customer = factories.customer()
	invoice(customer.name)
	name = relation_of(customer).name
	with sent_statements() as found:
		roles.refresh([name])
	assert not [q for q in found if not q.lstrip().lower().startswith("select")], found


def test_a_document_of_a_party_without_a_relation_makes_one():
	customer = factories.customer()
	relation = relation_of(customer)
	frappe.db.delete("Relation Party", {"parent": relation.name})
	doc = invoice(customer.name)
	assert role(customer, "Customer") == (getdate(), None, doc.name)
	assert identity.relation_of("Customer", customer.name) != relation.name


def test_roles_of_many_are_the_roles_of_each():
	customers = [factories.customer() for _ in range(4)]
	paid = invoice(customers[0].name, posting_date=str(ago(9)))
	factories.pay(paid, date=str(ago(3)))
	invoice(customers[1].name)
	order(customers[2].name)
	names = [relation_of(doc).name for doc in customers]
	before = [relation_of(doc).as_dict()["roles"] for doc in customers]
	frappe.db.delete("Relation Role", {"parent": ["in", names]})
	frappe.db.set_value("Relation", {"name": ["in", names]}, "stage", None)
	roles.refresh(names)
	for doc, old in zip(customers, before, strict=True):
		found = {(r.role, r.since, r.until, r.document_name) for r in relation_of(doc).roles}
		assert found == {(r["role"], r["since"], r["until"], r["document_name"]) for r in old}
	assert [stage(doc)[0] for doc in customers] == ["Customer", "Customer", "Customer", None]


# ── two at once ────────────────────────────────────────────────────────────────────────────────


def first_invoice(customer: str, days_ago: int) -> str:
	"""Insert a submitted invoice into the database, without the locks that ERPNext takes on submit."""
	doc = frappe.get_doc(
		{
			"doctype": "Sales Invoice",
			"name": factories.unique("Rechnung"),
			"company": factories.COMPANY,
			"customer": customer,
			"posting_date": ago(days_ago),
			"docstatus": 1,
		}
	)
	doc.db_insert()
	return doc.name


@pytest.fixture
def shared(monkeypatch):
	"""Yield a committed customer, and the jobs that two transactions queue for after their commit."""
	jobs = []
	monkeypatch.setattr(frappe, "enqueue", lambda method, **values: jobs.append((method, values)))
	customer = factories.customer()
	relation = relation_of(customer)
	frappe.db.commit()
	yield customer, relation, jobs
	frappe.db.rollback()
	frappe.db.delete("Sales Invoice", {"customer": customer.name})
	for doctype, fieldname in (("Relation Stage Log", "relation"), ("Relation Started Activity", "relation")):
		frappe.db.delete(doctype, {fieldname: relation.name})
	for doc in (customer, relation):
		frappe.delete_doc(doc.doctype, doc.name, force=True, ignore_missing=True)
	frappe.db.delete("Relation Facts Queue", {"party": ["in", [customer.name, relation.name]]})
	frappe.db.commit()


def run_after_commit(jobs: list) -> int:
	"""Run the jobs that `refresh` has queued; return their number."""
	left = [values for method, values in jobs if method is roles.refresh_contested]
	for values in left:
		arguments = {
			key: value for key, value in values.items() if key not in ("queue", "enqueue_after_commit")
		}
		roles.refresh_contested(**arguments)
	return len(left)


def assert_one_customer_since(customer, days_ago: int, proof: str):
	assert role(customer, "Customer") == (ago(days_ago), None, proof)
	assert stage(customer) == ("Customer", ago(days_ago))
	assert [row.idx for row in relation_of(customer).roles] == [1]


def test_two_first_invoices_at_once_wait_for_nobody_and_leave_one_customer(shared):
	customer, relation, jobs = shared
	first_invoice(customer.name, 2)
	roles.refresh([relation.name])  # not committed yet
	assert not jobs

	def other_seller():
		name = first_invoice(customer.name, 5)
		roles.refresh([relation.name])
		return name

	(earlier,) = in_another_session(other_seller)  # waiting a second for a lock would be an error here
	assert isinstance(earlier, str), earlier
	frappe.db.commit()
	assert len([row for row in relation_of(customer).roles if row.role == "Customer"]) == 1
	assert run_after_commit(jobs) == 1
	assert_one_customer_since(customer, 5, earlier)


def test_a_transaction_that_began_to_read_before_the_other_committed_adds_no_second_customer(shared):
	customer, relation, jobs = shared
	assert role(customer, "Customer") is None  # our snapshot begins here

	def other_seller():
		name = first_invoice(customer.name, 2)
		roles.refresh([relation.name])
		return name

	(later,) = in_another_session(other_seller)
	assert isinstance(later, str), later
	assert role(customer, "Customer") is None
	earlier = first_invoice(customer.name, 5)
	roles.refresh([relation.name])
	frappe.db.commit()
	assert role(customer, "Customer") == (ago(2), None, later)
	assert run_after_commit(jobs) == 1
	assert_one_customer_since(customer, 5, earlier)


def test_roles_are_numbered_without_gaps_and_doubles(shared):
	customer, relation, _jobs = shared
	own = [own_role() for _ in range(3)]
	file = frappe.get_doc("Relation", relation.name)
	for name in own:
		file.append("roles", {"role": name, "since": ago(3)})
	file.save()
	frappe.db.delete("Relation Role", {"parent": relation.name, "role": own[1]})
	assert [row.idx for row in relation_of(customer).roles] == [1, 3]
	paid = invoice(customer.name)
	factories.pay(paid)
	rows = relation_of(customer).roles
	assert [row.idx for row in rows] == [1, 2, 3, 4]
	assert [row.role for row in rows[:2]] == [own[0], own[2]]
	frappe.db.set_value("Relation Role", rows[0].name, "idx", 3)  # as an earlier version may have left it
	roles.refresh([relation.name])
	assert [row.idx for row in relation_of(customer).roles] == [1, 2, 3, 4]
	frappe.db.rollback()
