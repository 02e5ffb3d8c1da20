"""Test amounts, secrets and files for users that may read only some documents: nothing reveals the rest."""

import frappe
import pytest
from frappe.core.doctype.doctype.doctype import validate_permissions
from frappe.core.page.permission_manager import permission_manager
from frappe.utils import add_days, nowdate

from crm_relations.campaigns import api as campaigns
from crm_relations.campaigns import queries, rules
from crm_relations.campaigns.consents import decisions
from crm_relations.campaigns.incoming import api as answers
from crm_relations.campaigns.manual import call_list
from crm_relations.campaigns.planning import enrollment
from crm_relations.campaigns.sends import campaign_files
from crm_relations.demo.company import COMPANY
from crm_relations.interactions import api as interactions
from crm_relations.ledger import api as ledger
from crm_relations.ledger.statements.statement import company_or_default
from crm_relations.relations.exchange import exporting
from crm_relations.relations.queries import relation_of
from crm_relations.segments import api as segments
from crm_relations.segments.members import membership
from crm_relations.shared.access.permissions import may_see_amounts_of
from crm_relations.tests.shared.test_user_permissions import ABROAD, HOME, company
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site
SEND = "Relation Campaign Send"


@pytest.fixture
def sold():
	"""Create a customer with one invoice of 33,333."""
	customer = factories.customer(territory=HOME)
	factories.invoice(customer.name, [(factories.item().name, 1, 33333)])
	return frappe._dict(customer=customer.name, relation=relation_of("Customer", customer.name))


def reader(doctype: str, name: str, *roles: str) -> str:
	user = factories.user(None, *roles)
	frappe.permissions.add_user_permission(doctype, name, user, ignore_permissions=True)
	return user


def bought(relation: str, amount: int, *where: dict) -> dict:
	name = frappe.db.get_value("Relation", relation, "relation_name")
	event = {"event": "bought", "where": list(where), "measure": "amount", "operator": ">=", "value": amount}
	return {"version": 1, "all": [{"field": "relation_name", "operator": "=", "value": name}, event]}


OF_COMPANY = {"field": "company", "operator": "=", "value": COMPANY}


def test_a_count_does_not_tell_what_was_bought_in_a_hidden_company(sold):
	frappe.set_user(factories.user(None, "Relation User", "Accounts User"))
	assert segments.preview(bought(sold.relation, 33333))["count"] == 1
	frappe.set_user(reader("Company", company(), "Relation User", "Accounts User"))
	for rule in (bought(sold.relation, 1), bought(sold.relation, 1, OF_COMPANY)):
		assert segments.preview(rule)["count"] == 0
		assert not any(part["rows"] for part in segments.breakdown(rule))
	below = bought(sold.relation, 1)
	below["all"][1]["operator"] = "<"
	assert segments.preview(below)["count"] == 1, "as if nothing had been bought"


def test_a_rule_on_documents_read_in_part_is_saved_only_within_the_allowed_company(sold):
	frappe.set_user(reader("Company", COMPANY, "Relation User", "Accounts User"))
	with pytest.raises(frappe.PermissionError, match="only a part"):
		new_segment(bought(sold.relation, 1))
	new_segment(bought(sold.relation, 1, OF_COMPANY))
	frappe.set_user(reader("Company", company(), "Relation User", "Accounts User"))
	with pytest.raises(frappe.PermissionError, match="only a part"):
		new_segment(bought(sold.relation, 1, OF_COMPANY))


def new_segment(rule: dict) -> str:
	doc = {"doctype": "Relation Segment", "segment_name": factories.unique("S"), "kind": "Dynamic"}
	return frappe.get_doc({**doc, "rule": rule}).insert().name


def test_an_explanation_closes_conditions_on_documents_read_in_part(sold):
	segment = factories.segment(kind="Dynamic", rule=bought(sold.relation, 1)).name
	frappe.set_user(reader("Company", COMPANY, "Relation User", "Accounts User"))
	told = segments.explain(segment, sold.relation)["rule"]["children"][1]
	assert (told["hidden"], told["verdict"]) == (False, True), "every invoice is readable"
	frappe.set_user(reader("Company", company(), "Relation User", "Accounts User"))
	told = segments.explain(segment, sold.relation)["rule"]["children"][1]
	assert (told["hidden"], told["verdict"], told["value"]) == (True, None, None)


def test_figures_of_a_hidden_company_do_not_count(sold):
	facts = frappe.get_doc({"doctype": "Relation Facts", "relation": sold.relation, "company": COMPANY})
	facts.update({"name": frappe.generate_hash(length=10), "revenue_12_months": 33333})
	frappe.db.delete("Relation Facts", {"relation": sold.relation})
	facts.db_insert()
	rule = {
		"version": 1,
		"all": [
			bought(sold.relation, 1)["all"][0],
			{"field": "company_revenue_12_months", "operator": ">=", "value": 33333},
		],
	}
	frappe.set_user(factories.user(None, "Relation User", "Accounts User"))
	assert segments.preview(rule)["count"] == 1
	frappe.set_user(reader("Company", company(), "Relation User", "Accounts User"))
	assert segments.preview(rule)["count"] == 0


@pytest.mark.parametrize("by", ["Company", "Territory", "Customer"])
def test_a_campaign_shows_amounts_only_to_readers_of_all_its_invoices(sold, by):
	segment = factories.segment().name
	membership.add_members(segment, [sold.relation])
	doc = factories.campaign(segment=segment, company=COMPANY, control_share=0, steps=[call()])
	frappe.db.set_value("Relation", sold.relation, "mobile_no", "+4915123456789")
	enrollment.start(doc.name)
	frappe.set_user(factories.user(None, "Accounts User"))
	assert campaigns.progress(doc.name)["funnel"]["addressed"]["amount"] is not None
	allowed = {"Company": company(), "Territory": HOME, "Customer": sold.customer}[by]
	frappe.set_user(reader(by, allowed, "Accounts User"))
	shown = campaigns.progress(doc.name)
	assert shown["funnel"]["addressed"]["amount"] is None
	assert not shown["effect"] or shown["effect"]["addressed"]["revenue"] is None
	assert not may_see_amounts_of(COMPANY)
	with pytest.raises(frappe.PermissionError) as refused:
		ledger.check_company(COMPANY)
	assert COMPANY not in str(refused.value)


def test_an_error_message_names_no_company_that_the_user_may_not_read():
	mine, other = company(), company()
	frappe.set_user(reader("Company", mine, "Accounts User"))
	with pytest.raises(frappe.ValidationError) as refused:
		company_or_default(factories.unique("X"))
	assert mine in str(refused.value) and other not in str(refused.value)


# ── manual work ────────────────────────────────────────────────────────────────────────────────


def call(**values) -> dict:
	return {"step_type": "Call", "title": "Anruf", "call_script": "<p>Hallo</p>", **values}


def letter() -> dict:
	return {"step_type": "Letter", "title": "Brief", "letter_text": "<p>Guten Tag</p>"}


@pytest.fixture
def hidden():
	"""Create a relation of another territory, with number and address, which the agent below may not read."""
	doc = factories.relation(
		territory=ABROAD,
		mobile_no="+4915123456788",
		address_line="Domplatz 1",
		pincode="50667",
		city="Köln",
	)
	decisions.record(doc.name, doc.mobile_no, "Phone", "Given", source="Formular", legal_basis=rules.CONSENT)
	return doc


def started(relation: str, step: dict) -> str:
	segment = factories.segment().name
	membership.add_members(segment, [relation])
	doc = factories.campaign(segment=segment, steps=[step])
	enrollment.start(doc.name)
	return doc.name


def test_the_call_list_does_not_show_hidden_people(hidden):
	campaign = started(hidden.name, call())
	assert len(campaigns.next_calls(campaign)) == 1
	send = frappe.db.get_value(SEND, {"campaign": campaign})
	member = frappe.db.get_value("Relation Campaign Member", {"campaign": campaign})
	frappe.set_user(reader("Territory", HOME, "Relation User"))
	assert campaigns.next_calls(campaign) == []
	answer = interactions.reserve_call(campaign)
	assert (answer["call"], answer["history"]) == (None, [])
	for refused in (
		lambda: interactions.record_call(send, "Not Reached"),
		lambda: interactions.release_call(send),
		lambda: campaigns.decide_uncertain(send, True),
		lambda: answers.record_answer(member, "Call", "Interested"),
	):
		with pytest.raises(frappe.PermissionError):
			refused()
	frappe.set_user("Administrator")
	assert call_list.reserve(campaign)[0]["relation"] == hidden.name


def test_uncertain_messages_of_hidden_people_are_not_named(hidden):
	campaign = started(hidden.name, call())
	frappe.db.set_value(SEND, {"campaign": campaign}, "state", "Uncertain")
	assert len(queries.uncertain(campaign)) == 1
	frappe.set_user(reader("Territory", HOME, "Relation User"))
	assert campaigns.progress(campaign)["uncertain"] == []


def test_letters_to_hidden_people_are_not_printed(hidden):
	campaign = started(hidden.name, letter())
	printer = reader("Territory", HOME, "Relation User")
	frappe.db.set_value("Relation Campaign", campaign, "responsible", printer)
	frappe.set_user(printer)
	assert campaigns.print_letters(campaign)["print_run"] is None
	frappe.set_user("Administrator")
	assert campaigns.print_letters(campaign)["letters"] == 1


def test_files_with_addresses_are_for_those_who_print_and_may_read_all(hidden):
	campaign = started(hidden.name, letter())
	printer = factories.user(None, "Relation User")
	frappe.db.set_value("Relation Campaign", campaign, "responsible", printer)
	frappe.set_user(printer)
	made = campaigns.print_letters(campaign)
	urls = [made["file"], made["addresses"]]
	files = [frappe.get_doc("File", {"file_url": url}) for url in urls]
	assert {file.attached_to_doctype for file in files} == {"Relation Campaign File"}
	(run,) = campaigns.progress(campaign)["print_runs"]
	assert {file["file_url"] for file in run["files"]} == set(urls)
	for user, may in (
		(printer, True),
		(factories.user(None, "Relation User"), True),
		(factories.user(None, "Sales User", "Sales Manager", "Accounts Manager"), False),
		(reader("Territory", HOME, "Relation User"), False),
	):
		frappe.set_user(user)
		assert all(bool(file.has_permission("read")) is may for file in files), user
	(run,) = campaigns.progress(campaign)["print_runs"]
	assert run["files"] == []


def test_files_of_a_campaign_are_deleted_after_a_week_once_the_letters_are_posted(hidden):
	campaign = started(hidden.name, letter())
	made = campaigns.print_letters(campaign)
	rejects = campaign_files.keep(campaign, campaign_files.REJECTED_ANSWERS, "x.csv", b"x", 1)
	of_campaign = {"attached_to_doctype": campaign_files.DOCTYPE}
	frappe.db.set_value("File", of_campaign, "creation", add_days(nowdate(), -8), update_modified=False)
	campaign_files.delete_old()
	assert not frappe.db.exists("File", {"file_url": rejects})
	assert frappe.db.exists("File", {"file_url": made["file"]}), "not posted yet"
	interactions.confirm_letters(campaign, made["print_run"])
	campaign_files.delete_old()
	assert not frappe.db.exists("File", of_campaign)
	assert frappe.db.exists(campaign_files.DOCTYPE, {"campaign": campaign, "file_url": made["file"]})


# ── fields that an API hides ───────────────────────────────────────────────────────────────────

#: doctype → fields that our functions hide from users that may read the doctype
WITHHELD = {
	"Relation Duplicate": ["reasons"],
	"Relation Attribution": ["evidence"],
	SEND: ["token", "basis_proof"],
	"Relation Import Record": ["amount", "invoice"],
	"Relation Segment": ["member_count"],
}


@pytest.mark.parametrize("doctype", WITHHELD)
def test_what_an_api_withholds_is_not_given_by_rest(doctype):
	doc = frappe.new_doc(doctype)
	doc.update({field: 7 for field in WITHHELD[doctype]})
	doc.name = frappe.generate_hash(length=10)
	doc.relation = doc.other = factories.relation().name
	doc.db_insert()
	roles = {row.role for row in frappe.get_meta(doctype).permissions} - {"System Manager"}
	frappe.set_user(factories.user(None, *roles))
	(listed,) = frappe.get_list(
		doctype, filters={"name": doc.name}, fields=["name", *WITHHELD[doctype]], order_by="name asc"
	)
	shown = frappe.client.get(doctype, doc.name)
	for field in WITHHELD[doctype]:
		assert not listed.get(field) and not shown.get(field), field


@pytest.mark.parametrize(
	"filters",
	[
		{"income_group": "High"},
		{"income_group": ["=", "High"]},
		[["Relation", "income_group", "=", "High"]],
		[["ifnull(income_group, '')", "=", "High"]],
	],
)
def test_an_export_cannot_be_filtered_by_a_confidential_field(filters):
	frappe.set_user(factories.user(None, "Sales User"))
	with pytest.raises(frappe.PermissionError, match="confidential"):
		exporting.start("csv", filters, None)


# ── the Role Permissions Manager ───────────────────────────────────────────────────────────────


def test_the_role_permissions_manager_takes_the_permissions_of_every_doctype():
	names = frappe.get_all(
		"DocType", filters={"module": "CRM Relations", "istable": 0}, pluck="name", order_by="name asc"
	)
	assert len(names) > 35
	for name in names:
		doc = frappe.get_doc("DocType", name)
		before = [row.as_dict() for row in doc.permissions]
		validate_permissions(doc)
		assert [row.as_dict() for row in doc.permissions] == before, f"{name}: nothing is taken back"
		assert not any(row.if_owner and row.report for row in doc.permissions), name


def test_an_administrator_changes_a_permission_of_relation():
	frappe.set_user(factories.user(None, "System Manager"))
	permission_manager.update("Relation", "Sales User", 0, "email", 0)
	custom = frappe.get_all(
		"Custom DocPerm", {"parent": "Relation", "role": "Sales User", "permlevel": 0}, pluck="email"
	)
	assert custom == [0]
