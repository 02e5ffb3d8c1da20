"""Test the store of sends and the status of members: writes set `modified`, illegal transitions are refused."""

from collections.abc import Callable
from typing import Any

import frappe
import pytest
from frappe.utils import add_to_date, getdate, now_datetime

from crm_relations.campaigns.members import member_rows, member_status
from crm_relations.campaigns.rules import Decision
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.sends.transitions import TRANSITIONS
from crm_relations.campaigns.states import MemberStatus, SendState, Variant
from crm_relations.shared.states.transitions import IllegalTransition
from crm_relations.shared.text.outside_text import insert_rows

pytestmark = pytest.mark.site

LONG_AGO = "2020-01-01 00:00:00"
WORKER = "host/1/1/test"


def a_send(state: str, **values: Any) -> str:
	name = frappe.generate_hash(length=10)
	row = {"name": name, "creation": LONG_AGO, "modified": LONG_AGO, "state": str(state), **values}
	insert_rows(store.SEND, list(row), [tuple(row.values())])
	return name


def a_member(status: str) -> str:
	name = frappe.generate_hash(length=10)
	row = {"name": name, "creation": LONG_AGO, "modified": LONG_AGO, "status": str(status), "relation": name}
	insert_rows(member_rows.MEMBER, list(row), [tuple(row.values())])
	return name


#: transition → how it is called for a row
CALLS: dict[str, Callable[[str], object]] = {
	"readdress": lambda name: store.readdress({name: "neu@firma.example"}),
	"remove_address": lambda name: store.remove_address([name], "No email address"),
	"draw_variant": lambda name: store.draw_variant([name], Variant.A),
	"settle_variant": lambda name: store.settle_variant(f"step {name}", Variant.B),
	"suppress": lambda name: store.suppress([name], "Consent withdrawn"),
	"allow": lambda name: store.decide({name: Decision(True, legal_basis="Consent")}),
	"refuse": lambda name: store.decide({name: Decision(False, reason="No consent")}),
	"prepare": lambda name: store.prepare({name: {"token": name}}),
	"mark_sent": lambda name: store.mark_sent(name, WORKER, str(now_datetime())),
	"mark_failed": lambda name: store.mark_failed(name, WORKER, "550"),
	"mark_uncertain": lambda name: store.mark_uncertain(name, WORKER, "lost"),
	"leave_out": lambda name: store.leave_out(name, WORKER, "No consent"),
	"put_back": lambda name: store.put_back([name], WORKER, reason="451"),
	"requeue": lambda name: store.requeue(name, "note"),
	"confirm_sent": lambda name: store.confirm_sent(name, "note"),
	"assign": lambda name: store.assign({name: "Administrator"}),
	"reserve": lambda name: store.reserve(name, "Administrator", now_datetime()),
	"release": lambda name: store.release(name, "Administrator"),
	"postpone_call": lambda name: store.postpone_call(name, 2, getdate(), None),
	"print_letters": lambda name: store.print_letters([name], "run"),
	"discard_print": lambda name: store.discard_print([name]),
	"post_letters": lambda name: store.post_letters([name]),
	"wait": lambda name: store.wait(name, "No responsible user is available"),
	"complete": lambda name: store.complete_call(name, 1),
	"fail": lambda name: store.fail(name, "The letter cannot be made"),
}
#: transitions of a single row, which raise
RAISING = {"requeue", "confirm_sent", "reserve", "postpone_call", "wait", "complete", "fail"}


def test_all_transitions_are_tried_here_or_need_a_campaign():
	assert set(CALLS) <= set(TRANSITIONS)
	assert set(TRANSITIONS) - set(CALLS) == {
		"claim",
		"begin",
		"begin_again",
		"lose",
		"forget_communication",
		"release_suppressed",
	}


@pytest.mark.parametrize("transition", sorted(CALLS))
def test_a_transition_changes_rows_only_in_the_states_that_allow_it(transition):
	sources, target = TRANSITIONS[transition]
	for state in SendState:
		name = a_send(state, worker=WORKER, reserved_by="Administrator", variant=str(Variant.WAITING))
		frappe.db.set_value(store.SEND, name, "step", f"step {name}", update_modified=False)
		if state not in sources and transition in RAISING:
			with pytest.raises(IllegalTransition, match=f"it is {state}"):
				CALLS[transition](name)
		else:
			CALLS[transition](name)
		after, modified = frappe.db.get_value(store.SEND, name, ["state", "modified"])
		if state in sources:
			assert after == (target or state) and modified > add_to_date(now_datetime(), minutes=-5), state
		else:
			assert after == state and str(modified) == LONG_AGO, state


@pytest.mark.parametrize("transition", sorted(RAISING))
def test_a_transition_of_a_missing_row_raises(transition):
	with pytest.raises(IllegalTransition, match="missing"):
		CALLS[transition]("there is no such row")


def test_a_worker_stores_nothing_but_what_a_message_rests_on():
	with pytest.raises(IllegalTransition, match="state"):
		store.prepare({a_send(SendState.PENDING): {"state": "Sent"}})


def test_the_rows_of_a_worker_are_changed_by_no_other():
	name = a_send(SendState.SENDING, worker=WORKER)
	assert not store.mark_sent(name, "host/2/2/other", str(now_datetime()))
	assert not store.mark_failed(name, "host/2/2/other", "550")
	assert not store.put_back([name], "host/2/2/other")
	assert frappe.db.get_value(store.SEND, name, "state") == SendState.SENDING


def test_a_worker_that_died_leaves_its_sending_row_uncertain_and_the_others_free():
	rows = {state: a_send(state, worker=WORKER) for state in ("Pending", "Sending", "Suppressed", "Sent")}
	assert store.free(WORKER, dead=True) == 1
	after = {
		state: frappe.db.get_value(store.SEND, name, ["state", "worker"]) for state, name in rows.items()
	}
	assert after == {
		"Pending": ("Pending", None),
		"Sending": ("Uncertain", WORKER),
		"Suppressed": ("Suppressed", None),
		"Sent": ("Sent", WORKER),
	}


def test_a_member_is_held_out_only_before_it_is_addressed_further():
	rows = {status: a_member(status) for status in MemberStatus}
	assert member_status.hold_out(rows.values()) == 1
	for status, name in rows.items():
		row = frappe.db.get_value(member_rows.MEMBER, name, ["status", "held_out", "modified"], as_dict=True)
		held_out = status == MemberStatus.ADDRESSED
		assert row.held_out == held_out and (str(row.modified) != LONG_AGO) == held_out
		assert row.status == (MemberStatus.CONTROL_GROUP if held_out else status)


def test_each_write_of_a_member_sets_modified():
	writes = (
		lambda name: member_status.qualify(name, 7),
		member_status.hand_over,
		member_status.return_from_sales,
		member_status.win,
		lambda name: member_status.set_points(name, 3),
		lambda name: member_status.note_response(name, "Reply", "", now_datetime()),
		member_status.forget_response,
		lambda name: member_rows.set_addresses({name: ("a@b.example", "")}),
		lambda name: member_rows.leave([name], "Bought"),
	)
	for write in writes:
		name = a_member(MemberStatus.ADDRESSED)
		write(name)
		assert str(frappe.db.get_value(member_rows.MEMBER, name, "modified")) != LONG_AGO


def test_a_member_that_left_stays_with_its_first_reason():
	name = a_member(MemberStatus.ADDRESSED)
	assert member_rows.leave([name], "Bought") == 1
	assert member_rows.leave([name], "Complained") == 0
	assert frappe.db.get_value(member_rows.MEMBER, name, "left_reason") == "Bought"
