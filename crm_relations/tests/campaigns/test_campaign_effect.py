"""Test the lift of a campaign: its figures equal those of the invoices, and only permitted users see them."""

import random
from decimal import Decimal

import frappe
import pandas
import pytest
from frappe.utils import add_days, add_to_date, fmt_money, now_datetime, nowdate

from crm_relations.campaigns import api
from crm_relations.campaigns.eligibility import member_events, step_rules
from crm_relations.campaigns.reporting import funnel as overview
from crm_relations.campaigns.reporting import lift
from crm_relations.demo.company import COMPANY
from crm_relations.tests.support import factories

pytestmark = pytest.mark.site


def rows(doctype: str, values: list[dict]) -> None:
	frappe.db.bulk_insert(
		doctype, list(values[0]), [tuple(row.values()) for row in values], ignore_duplicates=True
	)


class World:
	"""A campaign with addressed and held-out members; members and invoices are rows, inserted by the hundred."""

	def __init__(self, addressed: int, control: int, **values):
		self.campaign = factories.campaign(company=COMPANY, **values).name
		self.entered = add_to_date(now_datetime(), days=-1)
		self.relations = {
			held_out: [factories.unique("REL-EFFECT") for _i in range(number)]
			for held_out, number in ((0, addressed), (1, control))
		}
		members = [
			{
				"name": factories.unique("MEMBER"),
				"campaign": self.campaign,
				"relation": relation,
				"held_out": held_out,
				"status": "Addressed",
				"entered": self.entered,
			}
			for held_out, relations in self.relations.items()
			for relation in relations
		]
		if members:
			rows("Relation Campaign Member", members)

	def invoices(self, amounts: list[tuple[str, float]], **values) -> None:
		rows(
			"Sales Invoice",
			[
				{
					"name": factories.unique("SI-EFFECT"),
					"creation": now_datetime(),
					"posting_date": nowdate(),
					"docstatus": 1,
					"relation": relation,
					"company": COMPANY,
					"is_return": 0,
					"is_opening": "No",
					"base_net_total": amount,
					**values,
				}
				for relation, amount in amounts
			],
		)


def test_revenue_per_member_and_interval_are_those_of_the_invoices():
	world, chance = World(400, 100), random.Random(7)
	bought = [
		(relation, round(chance.lognormvariate(5, 0.7), 2))
		for held_out, rate in ((0, 0.4), (1, 0.3))
		for relation in world.relations[held_out]
		if chance.random() < rate
	]
	world.invoices(bought)
	again = bought[:30]
	world.invoices(again)
	world.invoices([(relation, -amount) for relation, amount in again[:10]], is_return=1)
	revenue = pandas.DataFrame(
		[*bought, *again, *((relation, -amount) for relation, amount in again[:10])],
		columns=["relation", "amount"],
	)
	of_member = revenue.groupby("relation").amount.sum()
	groups = [of_member.reindex(world.relations[held_out], fill_value=0) for held_out in (0, 1)]
	shown = lift.effect(world.campaign)
	answer = shown.as_dict()
	for name, values in zip(("addressed", "control"), groups, strict=True):
		assert answer[name]["members"] == len(values)
		assert answer[name]["buyers"] == values.index.isin([relation for relation, _amount in bought]).sum()
		assert Decimal(answer[name]["revenue"]) == Decimal(str(values.sum())).quantize(Decimal("0.01"))
	difference = groups[0].mean() - groups[1].mean()
	assert shown.revenue.estimate == pytest.approx(difference)
	assert shown.revenue.low < difference < shown.revenue.high
	# about as wide as Welch's interval, and wider on the side of the addressed members, which have a long
	# tail
	error = (groups[0].var() / 400 + groups[1].var() / 100) ** 0.5
	assert 3.6 < (shown.revenue.high - shown.revenue.low) / error < 4.4
	assert fmt_money(answer["revenue"]["low"], 2, "EUR") in answer["sentence"]
	funnel = overview.funnel(world.campaign)
	for name in ("addressed", "control"):
		assert funnel[name]["invoiced"] == answer[name]["buyers"]
		assert Decimal(str(funnel[name]["amount"])) == Decimal(answer[name]["revenue"])


def test_what_is_no_revenue_of_the_window_does_not_count():
	world = World(2, 1, end_date=add_days(nowdate(), -1))
	one, other = world.relations[0]
	counted = {"posting_date": add_days(nowdate(), -1)}
	world.invoices([(one, 100)], **counted)
	world.invoices([(one, 7)], is_opening="Yes", **counted)
	world.invoices([(one, 7)], represents_company=COMPANY, **counted)
	world.invoices([(other, 7)], docstatus=2, **counted)
	world.invoices([(other, 7)], company="Another", **counted)
	world.invoices([(other, 7)])  # after the campaign's last day
	world.invoices([(other, 7)], creation=add_to_date(world.entered, seconds=-1), **counted)
	world.invoices([(world.relations[1][0], -30)], is_return=1, **counted)
	answer = lift.effect(world.campaign).as_dict()
	assert answer["until"] == add_days(nowdate(), -1)
	assert answer["addressed"] == {"members": 2, "buyers": 1, "revenue": "100.00", "per_member": "50.00"}
	assert answer["control"] == {"members": 1, "buyers": 0, "revenue": "-30.00", "per_member": "-30.00"}


def test_a_purchase_counts_by_its_own_date_and_first_version_not_by_its_entry():
	world = World(4, 0)
	late, draft, amended, again = world.relations[0]
	before, after = add_days(nowdate(), -30), nowdate()
	world.invoices([(late, 7)], posting_date=before)
	world.invoices([(draft, 20)], creation=add_to_date(world.entered, days=-3), posting_date=after)
	old, corrected = (factories.unique("SI-OLD") for _i in range(2))
	world.invoices([(amended, 7)], name=old, docstatus=2, posting_date=before, creation=f"{before} 10:00:00")
	world.invoices([(amended, 7)], name=corrected, docstatus=2, amended_from=old)
	world.invoices([(amended, 7)], amended_from=corrected)  # ERPNext gives an amendment today's date
	first = factories.unique("SI-NEW")
	world.invoices([(again, 30)], name=first, docstatus=2)
	world.invoices([(again, 30)], amended_from=first)
	answer = lift.effect(world.campaign).as_dict()
	assert (answer["addressed"]["buyers"], answer["addressed"]["revenue"]) == (2, "50.00")
	funnel = overview.funnel(world.campaign)["addressed"]
	assert (funnel["invoiced"], funnel["amount"]) == (2, 50.0)
	members = dict(
		frappe.get_all(
			"Relation Campaign Member",
			{"campaign": world.campaign},
			["relation", "name"],
			as_list=True,
			order_by="name asc",
		)
	)
	done = member_events.of_members(None, list(members.values()))
	bought = {
		relation
		for relation, member in members.items()
		if any(h.what == step_rules.BOUGHT for h in done[member])
	}
	assert bought == {draft, again}


def test_an_amended_order_whose_first_version_was_deleted_counts_by_the_oldest_one_left():
	world = World(1, 0)
	gone = factories.unique("SI-GONE")
	world.invoices([(world.relations[0][0], 5)], amended_from=gone)
	assert lift.effect(world.campaign).as_dict()["addressed"]["buyers"] == 1


@pytest.mark.parametrize(
	("addressed", "control", "buyers", "expected"),
	[
		(100, 0, 0, "no control group"),
		(100, 29, 25, "groups are too small"),
		(100, 40, 19, "too few members have bought"),
	],
)
def test_groups_that_are_too_small_make_no_statement_and_say_so(addressed, control, buyers, expected):
	world = World(addressed, control)
	for held_out in (0, 1):
		if bought := [(relation, 10) for relation in world.relations[held_out][:buyers]]:
			world.invoices(bought)
	answer = lift.effect(world.campaign).as_dict()
	assert answer["revenue"] is None and expected in answer["sentence"]
	assert (answer["rate"] is None) == (control < 30)


def test_a_campaign_of_several_companies_without_a_default_makes_no_statement(monkeypatch):
	world = World(40, 40)
	frappe.db.set_value("Relation Campaign", world.campaign, "company", None)
	frappe.db.set_single_value("Relation Settings", "default_company", None)
	other = factories.unique("Andere GmbH")
	frappe.get_doc({"doctype": "Company", "name": other, "company_name": other, "abbr": other}).db_insert()
	assert "has no company" in lift.effect(world.campaign).as_dict()["sentence"]


def test_several_campaigns_cost_no_more_queries_than_one(monkeypatch):
	worlds = [World(3, 2) for _i in range(4)]
	for number, world in enumerate(worlds, start=1):
		world.invoices([(world.relations[0][0], number)])
	asked = []
	sql = frappe.db.sql
	monkeypatch.setattr(
		frappe.db, "sql", lambda *args, **kwargs: (asked.append(args), sql(*args, **kwargs))[1]
	)
	lift.effect(worlds[0].campaign)
	of_one = len(asked)
	asked.clear()
	found = lift.effects([world.campaign for world in worlds])
	assert len(asked) <= of_one + 1
	assert [found[world.campaign].groups["addressed"].total for world in worlds] == [1, 2, 3, 4]


def test_amounts_are_for_who_may_read_invoices():
	world = World(60, 60)
	world.invoices([(relation, 10 + i) for i, relation in enumerate(world.relations[0] + world.relations[1])])
	assert api.progress(world.campaign)["effect"]["revenue"]
	frappe.set_user(factories.user(None, "Relation User"))
	shown = api.progress(world.campaign)["effect"]
	assert shown["revenue"] is None and shown["sentence"] == "" and shown["addressed"]["revenue"] is None
	assert shown["rate"]["difference"] == "0.0"
	assert api.progress(World(3, 0).campaign)["effect"] is None
