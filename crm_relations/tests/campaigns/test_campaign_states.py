"""Test the states of campaigns without a site: options of the doctypes, transitions of sends and members."""

import ast
import json
from pathlib import Path

import pytest

from crm_relations.campaigns import rules, states
from crm_relations.campaigns.members import status_transitions
from crm_relations.campaigns.sends import transitions as send_transitions
from crm_relations.campaigns.states import CampaignStatus, MemberStatus, SendState
from crm_relations.shared.states.base import State
from crm_relations.shared.states.transitions import IllegalTransition, check

APP = Path(__file__).resolve().parents[2]
TABLES = {"send": send_transitions.TRANSITIONS, "member": status_transitions.TRANSITIONS}
CASES = [(table, name) for table in TABLES for name in TABLES[table]]


def options(doctype: str, fieldname: str) -> list[str]:
	folder = doctype.lower().replace(" ", "_").replace("-", "_")
	path = APP / "crm_relations" / "doctype" / folder / f"{folder}.json"
	fields = json.loads(path.read_text(encoding="utf-8"))["fields"]
	return next(field["options"] for field in fields if field["fieldname"] == fieldname).split("\n")


@pytest.mark.parametrize(("doctype", "fieldname"), sorted(states.FIELDS))
def test_an_enumeration_has_the_options_of_its_field(doctype, fieldname):
	members = [str(member) for member in states.FIELDS[doctype, fieldname]]
	assert members == [option for option in options(doctype, fieldname) if option]


def test_each_enumeration_belongs_to_a_field():
	declared = {one for one in vars(states).values() if isinstance(one, type) and issubclass(one, State)} - {
		State,
		states.Variant,
	}
	assert declared == set(states.FIELDS.values())


def test_a_member_of_an_enumeration_is_its_value():
	state = SendState.PENDING
	assert state == "Pending" and str(state) == f"{state}" == "Pending" and {state: 1}["Pending"] == 1
	assert type(str(state)) is str
	assert json.dumps([state]) == '["Pending"]'
	assert ", ".join(sorted(SendState))[:4] == "Done"


@pytest.mark.parametrize(("table", "name"), CASES)
def test_a_transition_is_refused_from_every_state_that_does_not_allow_it(table, name):
	transition = TABLES[table][name]
	kind = SendState if table == "send" else MemberStatus
	assert transition.sources and transition.sources <= set(kind)
	for state in kind:
		if state in transition.sources:
			check(TABLES[table], name, state, "R1")
		else:
			with pytest.raises(IllegalTransition, match=f"{name} of R1: it is {state}"):
				check(TABLES[table], name, state, "R1")
	with pytest.raises(IllegalTransition, match="missing"):
		check(TABLES[table], name, None, "R1")


def test_a_sent_email_stays_sent():
	leaving = {name for name, one in send_transitions.TRANSITIONS.items() if SendState.SENT in one.sources}
	assert not leaving


def test_every_send_state_can_be_reached():
	reached = {one.target for one in send_transitions.TRANSITIONS.values() if one.target}
	assert reached == set(SendState)


def test_every_transition_of_the_table_is_carried_out_in_the_store():
	for file, table in (
		("sends/store.py", send_transitions.TRANSITIONS),
		("members/member_status.py", status_transitions.TRANSITIONS),
	):
		tree = ast.parse((APP / "campaigns" / file).read_text(encoding="utf-8"))
		named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
		assert set(table) <= named, set(table) - named


#: the order that the table of transitions is written from; a member does not fall back in it
ORDER = (
	MemberStatus.CONTROL_GROUP,
	MemberStatus.ADDRESSED,
	MemberStatus.ANSWERED,
	MemberStatus.QUALIFIED,
	MemberStatus.HANDED_OVER,
	MemberStatus.WON,
)


def may_become(current: MemberStatus, status: MemberStatus) -> bool:
	"""Tell whether a member may move. It may decline, or return, at any time before Won."""
	if current == MemberStatus.WON:
		return False
	if MemberStatus.DECLINED in (current, status):
		return True
	return ORDER.index(status) > ORDER.index(current) or status == MemberStatus.ANSWERED


@pytest.mark.parametrize("name", sorted(status_transitions.UNCHANGED))
def test_a_member_moves_as_the_rules_say(name):
	transition, unchanged = status_transitions.TRANSITIONS[name], status_transitions.UNCHANGED[name]
	assert transition.sources | unchanged == set(MemberStatus) and not transition.sources & unchanged
	for status in MemberStatus:
		moves = status != transition.target and may_become(status, transition.target)
		assert moves == (status in transition.sources), status


@pytest.mark.parametrize("response_type", list(states.ResponseType))
@pytest.mark.parametrize("answer", ["", *states.CallAnswer])
def test_a_response_leads_only_to_transitions_of_the_table(response_type, answer):
	by_target = {MemberStatus.ANSWERED: "answer", MemberStatus.DECLINED: "decline"}
	for status in MemberStatus:
		becomes = rules.member_status(status, response_type, answer)
		if becomes != status:
			check(status_transitions.TRANSITIONS, by_target[MemberStatus(becomes)], status, "R1")


def test_the_rules_of_a_campaign_name_each_status():
	assert set(rules.TRANSITIONS) == set(CampaignStatus)
