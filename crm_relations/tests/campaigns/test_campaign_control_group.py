"""Test the control group: a share of the audience is drawn at random and not addressed."""

import frappe
import pytest

from crm_relations.campaigns import queries
from crm_relations.campaigns.planning import enrollment
from crm_relations.segments.members import membership
from crm_relations.tests.support import factories
from crm_relations.tests.support.mailing import call_step

pytestmark = pytest.mark.site


def campaign(relations: list[str], **values) -> str:
	segment = factories.segment().name
	membership.add_members(segment, relations)
	return factories.campaign(segment=segment, steps=[call_step()], **values).name


def people(number: int) -> list[str]:
	return [factories.relation(phone=f"+49221{1000000 + i}").name for i in range(number)]


def held_out(name: str) -> set[str]:
	return set(
		frappe.get_all("Relation Campaign Member", {"campaign": name, "held_out": 1}, pluck="relation")
	)


def addressed(name: str) -> set[str]:
	return set(frappe.get_all("Relation Campaign Send", {"campaign": name}, pluck="relation"))


def test_the_control_group_is_not_addressed_and_counted_apart():
	relations = people(20)
	name = campaign(relations, control_group_percent=25)
	assert enrollment.start(name)["new_sends"] == 15
	assert len(held_out(name)) == 5
	assert frappe.db.count("Relation Campaign Member", {"campaign": name, "status": "Control Group"}) == 5
	assert (
		frappe.db.count("Relation Campaign Member", {"campaign": name, "status": "Addressed"})
		== len(relations) - 5
	)
	assert addressed(name) == set(relations) - held_out(name)
	status = queries.status(name)
	assert (status["members"], status["control_group"]) == (15, 5)


def test_the_same_seed_holds_out_the_same_relations():
	relations = people(20)
	drawn = []
	for seed in ("eins", "eins", "zwei"):
		name = campaign(relations, control_group_percent=30, control_group_seed=seed)
		enrollment.start(name)
		drawn.append(held_out(name))
	assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(("percent", "members", "expected"), [(10, 5, 1), (10, 4, 0), (50, 3, 2), (0, 9, 0)])
def test_the_share_is_rounded_to_whole_members(percent, members, expected):
	name = campaign(people(members), control_group_percent=percent)
	enrollment.start(name)
	assert len(held_out(name)) == expected


def test_nobody_of_the_control_group_is_added_by_hand():
	name = campaign(people(4), control_group_percent=50)
	enrollment.start(name)
	with pytest.raises(frappe.ValidationError, match="control group"):
		enrollment.add(name, held_out(name).pop())


@pytest.mark.parametrize("share", [-1, 51])
def test_a_share_that_makes_no_sense_is_refused(share):
	with pytest.raises(frappe.ValidationError, match="Control Group"):
		campaign(people(1), control_group_percent=share)


def test_the_control_group_stays_after_the_start():
	name = campaign(people(4), control_group_percent=50)
	enrollment.start(name)
	doc = frappe.get_doc("Relation Campaign", name)
	assert doc.control_group_seed
	for field, value in (("control_group_percent", 25), ("control_group_seed", "other")):
		doc.reload()
		doc.set(field, value)
		with pytest.raises(frappe.ValidationError, match="Control Group cannot change"):
			doc.save()


def test_a_copy_draws_its_own_group():
	name = campaign(people(4), control_group_percent=50)
	copy = frappe.copy_doc(frappe.get_doc("Relation Campaign", name), ignore_no_copy=False)
	assert not copy.control_group_seed
