"""Test the playbook of a role: activities start once, for the right user, and not for earlier members.

The form offers the possible next actions.
"""

import csv
from pathlib import Path

import frappe
import pytest
from frappe.utils import add_days, getdate, nowdate

import crm_relations
from crm_relations.pipeline.api import qualify
from crm_relations.relations import actions, api, checks, queries
from crm_relations.relations.identities import identity
from crm_relations.relations.roles_and_stages import playbook, roles
from crm_relations.relations.rules import RoleRow
from crm_relations.tests.support import factories
from crm_relations.tests.support.books.statements import sent_statements

pytestmark = pytest.mark.site

STARTED = "Relation Started Activity"


@pytest.fixture(autouse=True)
def fresh_role_types():
	"""Forget the role types that the previous test has cached, and fail on a deferred step."""
	queries.forget_role_types()
	before = frappe.db.count("Relation Deferred Step")
	yield
	assert (
		frappe.db.count("Relation Deferred Step") == before
	), "a failing step is deferred and would go unseen"
	frappe.db.rollback()
	frappe.cache.delete_value([queries.STAGE_ORDER, queries.PLAYBOOKS])


def ago(days: int):
	return getdate(add_days(nowdate(), -days))


def activity(role_type: str, **values):
	"""Add an activity to the playbook of a role type; return its name."""
	doc = frappe.get_doc("Relation Role Type", role_type)
	values = {"subject": "Welcome", "assign_to": "User", "user": "Administrator", **values}
	doc.append("activities", values)
	doc.save()
	return doc.activities[-1].name


def own_role(**values) -> str:
	return factories.insert("Relation Role Type", role_name=factories.unique("Partner"), **values).name


def relation_of(doc):
	return frappe.get_doc("Relation", identity.relation_of(doc.doctype, doc.name))


def started(relation: str, **filters):
	return frappe.get_all(
		STARTED,
		filters={"relation": relation, **filters},
		fields=["name", "state", "activity", "assigned_to", "todo", "reason", "subject"],
		order_by="creation asc, name asc",
	)


def start_all(relation: str):
	for row in started(relation, state="Planned"):
		playbook.start(row.name)
	return started(relation)


def tasks_of(relation: str):
	return frappe.get_all(
		"ToDo",
		filters={"reference_type": "Relation", "reference_name": relation},
		fields=["name", "description", "date", "allocated_to", "status"],
		order_by="creation asc",
	)


def invoice(customer: str, **values):
	return factories.invoice(customer, [(factories.item().name, 1, 100)], **values)


def give(relation, role: str, **values):
	relation.append("roles", {"role": role, **values})
	relation.save()
	return relation


# ── what starts ────────────────────────────────────────────────────────────────────────────────


def test_entering_a_role_starts_a_task_with_its_subject_its_day_and_its_person():
	user = factories.user(None, "Sales User")
	activity(
		"Customer", subject="Thank {{ relation_name }} for {{ document_name }}", due_in_days=5, user=user
	)
	customer = factories.customer("Blumen & Söhne")
	doc = invoice(customer.name)
	relation = relation_of(customer).name
	assert [row.state for row in started(relation)] == ["Planned"], "the save only plans it"
	assert not tasks_of(relation)
	assert [row.state for row in start_all(relation)] == ["Started"]
	(task,) = tasks_of(relation)
	assert frappe.utils.strip_html(task.description) == f"Thank Blumen &amp; Söhne for {doc.name}"
	assert (task.date, task.allocated_to, task.status) == (ago(-5), user, "Open")
	assert started(relation)[0].todo == task.name


def test_an_invoice_without_a_playbook_plans_nothing():
	customer = factories.customer()
	invoice(customer.name)
	assert not started(relation_of(customer).name)


def test_nothing_starts_twice_however_often_the_roles_are_derived_or_the_job_runs():
	activity("Customer")
	customer = factories.customer()
	invoice(customer.name)
	relation = relation_of(customer).name
	name = started(relation)[0].name
	assert playbook.start(name) == "Started"
	assert playbook.start(name) is None, "another worker was first"
	for _again in range(2):
		roles.refresh([relation])
		invoice(customer.name)
	start_all(relation)
	assert len(tasks_of(relation)) == 1 and len(started(relation)) == 1


def test_two_transactions_that_see_the_role_entered_plan_it_once(monkeypatch):
	activity("Customer", again=1)
	customer = factories.customer()
	invoice(customer.name)
	relation = relation_of(customer).name
	row = queries.role_rows([relation])[relation][0]
	monkeypatch.setattr(
		playbook, "_occasions", lambda relations: {}
	)  # the other session has not committed yet
	playbook.enter({(relation, "Customer"): row})
	assert len(started(relation)) == 1


def debtor_again(customer):
	"""Create invoices so that the customer owes, pays and owes again."""
	first = invoice(customer.name, posting_date=str(ago(9)))
	factories.pay(first, date=str(ago(5)))
	invoice(customer.name)


def test_who_enters_again_gets_the_activity_again_only_if_the_admin_wants_it():
	once, again = activity("Debtor"), activity("Debtor", again=1)
	customer = factories.customer()
	debtor_again(customer)
	relation = relation_of(customer).name
	assert [row.activity for row in started(relation)].count(once) == 1
	assert [row.activity for row in started(relation)].count(again) == 1, "once a day at most"
	frappe.db.set_value(STARTED, {"activity": again}, {"occasion": str(ago(9)), "start_key": "earlier"})
	frappe.db.set_value(STARTED, {"activity": once}, "creation", ago(9))
	for doc in frappe.get_all("Sales Invoice", {"customer": customer.name, "outstanding_amount": [">", 0]}):
		factories.pay(frappe.get_doc("Sales Invoice", doc.name))
	invoice(customer.name)
	invoice(customer.name)
	assert [row.activity for row in started(relation)].count(once) == 1
	assert [row.activity for row in started(relation)].count(again) == 2


def test_the_job_starts_what_it_can_tells_what_waits_and_finds_nothing_the_second_time(monkeypatch):
	monkeypatch.setattr(frappe.db, "commit", lambda: None)
	monkeypatch.setattr(frappe.db, "rollback", lambda **where: None)
	frappe.db.delete(STARTED)
	good = own_role(activities=[{"subject": "Sign", "assign_to": "User", "user": "Administrator"}])
	bad = own_role(activities=[{"subject": "{{ city + 'x' }}", "assign_to": "User", "user": "Administrator"}])
	first, second = give(factories.relation(), good), give(factories.relation(city="Köln"), bad)
	third = give(factories.relation(), good)
	frappe.db.set_value("Relation", third.name, "disabled", 1)
	logged = frappe.db.count("Error Log", {"method": ["like", "Playbook: %"]})
	assert playbook.start_planned() == {"started": 1, "dropped": 1, "waiting": 1}
	assert playbook.start_planned() == {"started": 0, "dropped": 0, "waiting": 1}
	assert frappe.db.count("Error Log", {"method": ["like", "Playbook: %"]}) == logged + 1, "told once"
	assert len(tasks_of(first.name)) == 1 and not tasks_of(third.name)
	assert "not allowed" in started(second.name)[0].reason


def test_the_job_ends_before_its_time_is_over(monkeypatch):
	partner = own_role(activities=[{"subject": "Sign", "assign_to": "User", "user": "Administrator"}])
	relation = give(factories.relation(), partner).name
	monkeypatch.setattr(playbook, "SECONDS", -1)
	assert playbook.start_planned() == {"started": 0, "dropped": 0, "waiting": 0}
	assert started(relation)[0].state == "Planned"


def test_entering_costs_no_statement_without_a_playbook_and_three_with_one():
	plain, busy = own_role(), own_role()
	activity(busy)
	activity(busy, again=1)
	relation = factories.relation().name
	row = {"since": getdate(), "until": None, "document_type": "Sales Invoice", "document_name": "X"}
	playbook.enter({(relation, plain): RoleRow(None, plain, **row)})  # reads the playbooks into the cache
	frappe.get_meta("Relation Started Activity")
	with sent_statements() as found:
		playbook.enter({(relation, plain): RoleRow(None, plain, **row)})
	assert not found
	with sent_statements() as found:
		playbook.enter({(relation, busy): RoleRow(None, busy, **row)})
	assert len(found) == 3, found
	assert len(started(relation)) == 2


def test_a_role_that_is_taken_back_before_the_task_is_made_makes_none():
	activity("Customer")
	customer = factories.customer()
	doc = invoice(customer.name)
	doc.reload()
	doc.cancel()
	relation = relation_of(customer).name
	(row,) = start_all(relation)
	assert row.state == "Dropped" and row.reason
	assert not tasks_of(relation)


def test_an_activity_that_is_switched_off_starts_nothing():
	name = activity("Customer", disabled=1)
	customer = factories.customer()
	invoice(customer.name)
	assert not started(relation_of(customer).name)
	frappe.db.set_value("Relation Role Activity", name, "disabled", 0)
	queries.forget_role_types()
	other = factories.customer()
	invoice(other.name)
	frappe.db.set_value("Relation Role Activity", name, "disabled", 1)
	assert [row.state for row in start_all(relation_of(other).name)] == ["Dropped"]


def test_a_role_of_ones_own_given_by_hand_starts_its_activities():
	partner = own_role(activities=[{"subject": "Sign", "assign_to": "User", "user": "Administrator"}])
	relation = give(factories.relation(), partner, since=nowdate())
	assert len(started(relation.name)) == 1
	relation.notes = "saved again"
	relation.save()
	assert len(started(relation.name)) == 1


def test_a_role_that_begins_on_a_later_day_starts_its_activities_on_that_day():
	partner = own_role(activities=[{"subject": "Sign", "assign_to": "User", "user": "Administrator"}])
	relation = give(factories.relation(), partner, since=ago(-3))
	playbook.enter_dated()
	assert not started(relation.name)
	frappe.db.set_value("Relation Role", {"parent": relation.name}, {"since": nowdate(), "creation": ago(3)})
	playbook.enter_dated()
	playbook.enter_dated()
	assert len(started(relation.name)) == 1


# ── what does not ──────────────────────────────────────────────────────────────────────────────


def forget_relation(customer):
	relation = relation_of(customer).name
	for doctype in ("Relation Party", "Relation Role"):
		frappe.db.delete(doctype, {"parent": relation})
	frappe.db.delete("Relation", {"name": relation})


def test_the_adoption_of_a_used_site_starts_nothing():
	customers = [factories.customer() for _ in range(5)]
	for customer in customers:
		invoice(customer.name)
		invoice(customer.name, posting_date=str(ago(3)))
		forget_relation(customer)
	activity("Customer")
	activity("Debtor")
	frappe.db.set_value("Customer", {"name": ["in", [c.name for c in customers]]}, "creation", ago(100))
	for customer in customers[:2]:
		identity.adopt("Customer", customer.name)
		relation = relation_of(customer)
		assert {row.role for row in relation.roles} == {"Customer", "Debtor"}
		assert not started(relation.name)
	known = {relation_of_adopted(customer) for customer in customers[2:]}
	roles.refresh(known, quiet=True)  # as sync does
	for relation in known:
		assert queries.role_rows([relation])[relation]
		assert not started(relation)


def relation_of_adopted(customer) -> str:
	from crm_relations.relations.creation import adoption

	return adoption.adopt([("Customer", customer.name)]).relations[("Customer", customer.name)]


def test_an_import_starts_nothing(monkeypatch):
	activity("Lead")
	monkeypatch.setattr(frappe.flags, "in_import", True)
	lead = factories.lead(status="Lead")
	assert relation_of(lead).stage == "Lead"
	assert not started(relation_of(lead).name)


def test_a_role_that_began_long_ago_starts_nothing():
	activity("Customer")
	customer = factories.customer()
	invoice(customer.name, posting_date=str(ago(60)))
	assert not started(relation_of(customer).name)


# ── responsible users ──────────────────────────────────────────────────────────────────────────


def test_the_responsible_user_gets_the_task_and_the_named_one_where_there_is_none():
	responsible, other = factories.user(None, "Sales User"), factories.user(None, "Sales User")
	partner = own_role()
	activity(partner, assign_to="Responsible User", user=other)
	with_user = give(factories.relation(responsible=responsible), partner)
	without = give(factories.relation(), partner)
	assert start_all(with_user.name)[0].assigned_to == responsible
	assert start_all(without.name)[0].assigned_to == other
	of_the_website = give(factories.relation(responsible=factories.user()), partner)
	assert start_all(of_the_website.name)[0].assigned_to == other, "a task opens on the desk"


def team(size: int) -> tuple[str, list[str]]:
	role = factories.insert("Role", role_name=factories.unique("Team"), desk_access=1).name
	users = sorted(factories.user(None, role) for _ in range(size))
	gone = factories.user(None, role)
	frappe.db.set_value("User", gone, "enabled", 0)
	return role, users


def test_round_robin_gives_each_enabled_user_of_the_role_the_same_number_of_tasks():
	team_role, users = team(3)
	partner = own_role()
	activity(partner, assign_to="Role in Turn", user=None, role=team_role)
	found = [start_all(give(factories.relation(), partner).name)[0].assigned_to for _ in range(7)]
	assert found == [*users, *users, users[0]]


def test_the_user_with_the_fewest_open_tasks_gets_the_next():
	team_role, users = team(2)
	frappe.get_doc({"doctype": "ToDo", "description": "busy", "allocated_to": users[0]}).insert()
	partner = own_role()
	activity(partner, assign_to="Role with Fewest Tasks", user=None, role=team_role)
	relations = [give(factories.relation(), partner).name for _ in range(3)]
	found = [start_all(relation)[0].assigned_to for relation in relations]
	assert found == [users[1], users[0], users[1]]


def test_an_activity_for_nobody_waits_is_told_and_starts_when_somebody_is_there():
	role = factories.insert("Role", role_name=factories.unique("Team"), desk_access=1).name
	partner = own_role()
	activity(partner, assign_to="Role in Turn", user=None, role=role)
	relation = give(factories.relation(), partner).name
	(row,) = start_all(relation)
	assert row.state == "Planned" and role in row.reason
	assert "activity-waiting" in {finding.code for finding in checks.findings()}
	user = factories.user(None, role)
	assert start_all(relation)[0].assigned_to == user


def test_the_person_may_read_the_relation_of_the_task():
	role = factories.insert("Role", role_name=factories.unique("Team"), desk_access=1).name
	user = factories.user(None, role)
	partner = own_role()
	activity(partner, user=user)
	relation = give(factories.relation(), partner).name
	start_all(relation)
	assert frappe.has_permission("Relation", "read", doc=relation, user=user)


# ── validation of the playbook ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
	("values", "message"),
	[
		({"subject": "{{ relation_name"}, "Subject cannot be read"),
		({"subject": "{{ frappe.db }}"}, "unknown merge field frappe"),
		({"subject": "{{ relation_name.__class__ * 9 }}"}, "not allowed in a text"),
		({"subject": "{{ relation_name + 'x' }}"}, "x"),
		({"due_in_days": -1}, "less than 0"),
		({"user": None}, "enter User"),
		({"assign_to": "Role in Turn", "role": None}, "enter Role of Users"),
	],
)
def test_an_activity_that_cannot_be_carried_out_is_refused(values, message):
	partner = own_role()
	if message == "x":
		activity(partner, **values)
		relation = give(factories.relation(), partner).name
		with pytest.raises(Exception, match="not allowed"):
			start_all(relation)
		return
	with pytest.raises(frappe.ValidationError, match=message):
		activity(partner, **values)


def test_an_action_that_no_app_declares_is_refused_and_so_is_one_shown_twice():
	with pytest.raises(frappe.ValidationError, match="not an action of an installed app"):
		own_role(actions=[{"action": "Launch"}])
	with pytest.raises(frappe.ValidationError, match="shown already"):
		own_role(actions=[{"action": "New Quotation"}, {"action": "New Quotation"}])


def test_what_has_started_is_written_by_nobody_and_goes_with_its_relation():
	partner = own_role(activities=[{"subject": "Sign", "assign_to": "User", "user": "Administrator"}])
	relation = give(factories.relation(), partner)
	(row,) = start_all(relation.name)
	for doctype in (STARTED, "Relation Stage Log"):
		assert not frappe.has_permission(doctype, "create", user=factories.user(None, "Relation Manager"))
		assert not frappe.has_permission(doctype, "write", user=factories.user(None, "Relation Manager"))
	frappe.delete_doc("ToDo", row.todo)
	assert started(relation.name)[0].todo is None
	relation.reload()
	relation.delete()
	assert not started(relation.name)


# ── actions ────────────────────────────────────────────────────────────────────────────────────


def offered(relation: str) -> dict[str, dict]:
	return {row["label"]: row for row in api.role_panel(relation)["actions"]}


def test_the_form_offers_the_actions_of_the_roles_that_are_held_now():
	lead = factories.lead()
	found = offered(relation_of(lead).name)
	assert set(found) == {"Qualify", "Add to Campaign"}
	assert {row["role"] for row in found.values()} == {"Lead"}
	customer = factories.customer()
	assert not offered(relation_of(customer).name), "a customer document alone is no role"
	doc = invoice(customer.name)
	found = offered(relation_of(customer).name)
	assert set(found) == {"New Sales Order", "New Complaint", "Open Items", "Account Statement"}
	assert found["New Sales Order"]["values"]["customer"] == customer.name
	assert found["Open Items"]["values"]["party"] == [customer.name]
	factories.pay(doc)
	assert set(offered(relation_of(customer).name)) == {"New Sales Order", "New Complaint"}


def test_supplier_employee_and_prospect_have_theirs():
	vendor = factories.insert(
		"Supplier", supplier_name=factories.unique("Lieferant"), supplier_group="Services"
	)
	assert offered(relation_of(vendor).name)["New Purchase Order"]["values"] == {"supplier": vendor.name}
	worker = factories.insert(
		"Employee",
		first_name=factories.unique("Rosa"),
		company=factories.COMPANY,
		gender="Female",
		date_of_birth="1990-01-01",
		date_of_joining="2020-02-01",
	)
	opened = offered(relation_of(worker).name)["Open Employee File"]
	assert (opened["target"], opened["values"]) == ("Employee", {"name": worker.name})
	lead = factories.lead()
	relation = relation_of(lead).name
	qualify(relation)
	found = offered(relation)
	assert {"New Opportunity", "New Quotation"} <= set(found)
	opportunity = found["New Opportunity"]
	made = frappe.get_attr(opportunity["target"])(**opportunity["values"])
	made.insert()
	assert (made.opportunity_from, made.party_name, made.relation) == ("Lead", lead.name, relation)
	assert found["New Quotation"]["values"] == {
		"quotation_to": "Lead",
		"party_name": lead.name,
		"relation": relation,
	}


def test_qualifying_makes_a_prospect_with_the_rights_of_the_user():
	lead = factories.lead()
	relation = relation_of(lead).name
	frappe.set_user(factories.user(None, "Relation User"))
	with pytest.raises(frappe.PermissionError):
		qualify(relation)
	frappe.set_user(factories.user(None, "Sales User"))
	qualify(relation)
	lead.reload()
	assert (lead.qualification_status, lead.qualified_by) == ("Qualified", frappe.session.user)
	assert frappe.db.get_value("Relation", relation, "stage") == "Prospect"
	qualify(relation)
	lead.status = "Do Not Contact"
	frappe.set_user("Administrator")
	lead.reload()
	lead.update({"status": "Do Not Contact"})
	lead.save()
	with pytest.raises(frappe.ValidationError, match="No open lead"):
		qualify(relation)


def test_the_admin_chooses_which_actions_a_role_shows():
	doc = frappe.get_doc("Relation Role Type", "Lead")
	doc.actions = []
	doc.append("actions", {"action": "New Quotation"})
	doc.save()
	assert set(offered(relation_of(factories.lead()).name)) == {"New Quotation"}
	partner = own_role(actions=[{"action": "New Complaint"}, {"action": "New Sales Order"}])
	relation = give(factories.relation(), partner).name
	assert list(offered(relation)) == ["New Complaint"], "an order needs a customer document"


def test_nobody_is_offered_what_he_may_not_do():
	customer = factories.customer()
	invoice(customer.name)
	relation = relation_of(customer).name
	frappe.set_user(factories.user(None, "Relation User"))
	assert set(offered(relation)) == {"New Complaint"}
	frappe.set_user(factories.user(None, "Accounts User"))
	assert {"Open Items", "Account Statement"} <= set(offered(relation))
	frappe.set_user(factories.user(None, "Stock User"))
	with pytest.raises(frappe.PermissionError):
		api.role_panel(relation)
	with pytest.raises(frappe.PermissionError):
		api.action_choices()


def test_every_action_opens_something_that_is_there_and_has_a_german_name():
	path = Path(crm_relations.__file__).parent / "translations" / "de.csv"
	with path.open(encoding="utf-8", newline="") as file:
		german = {row[0] for row in csv.reader(file) if row}
	for label, action in actions.declared().items():
		assert {label, action.confirm} <= {*german, ""}, label
		assert {ask["label"] for ask in action.asks} <= german
		if action.opens == "call":
			assert frappe.get_attr(action.target) in frappe.whitelisted
		elif action.opens == "mapped":
			assert set(action.mappers) == set(action.party_types)
			assert all(frappe.get_attr(path) in frappe.whitelisted for path in action.mappers.values())
		elif action.opens != "form":
			assert frappe.db.exists("Report" if action.opens == "report" else "DocType", action.target)
		for doctype, _ptype in action.needs:
			assert frappe.db.exists("DocType", doctype)


def test_a_relation_is_added_to_a_campaign_once():
	from crm_relations.campaigns.api import add_relation

	campaign = factories.campaign()
	relation = relation_of(factories.lead()).name
	first = add_relation(campaign.name, relation)
	assert add_relation(campaign.name, relation)["member"] == first["member"]
	assert frappe.db.count("Relation Campaign Member", {"campaign": campaign.name}) == 1
	frappe.set_user(factories.user(None, "Relation User"))
	frappe.db.set_value("Relation Campaign", campaign.name, "status", "Done")
	frappe.set_user("Administrator")
	with pytest.raises(frappe.ValidationError, match="no more members can be added"):
		add_relation(campaign.name, relation)
	frappe.set_user(factories.user(None, "Stock User"))
	with pytest.raises(frappe.PermissionError):
		add_relation(campaign.name, relation)
