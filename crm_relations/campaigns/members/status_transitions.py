"""Define the transitions of a member's status. Pure Python, imports no frappe. Writes nothing;
`member_status` carries them out.

Events reach a member in any order: it may buy before it answers, and answer after a handover. So a
transition also names the states in which it changes nothing (`UNCHANGED`). From any other state it is an
error.
"""

from collections.abc import Mapping

from crm_relations.campaigns.states import MemberStatus as Status
from crm_relations.shared.states.transitions import Transition


def _from(*sources: Status, to: Status) -> Transition:
	return Transition(frozenset(sources), to)


#: a member declines, or returns, at any time until it has won
_NOT_HANDED_OVER = (
	Status.CONTROL_GROUP,
	Status.ADDRESSED,
	Status.ANSWERED,
	Status.QUALIFIED,
	Status.DECLINED,
)

#: name of the function in `member_status` → the transition that it makes
TRANSITIONS: Mapping[str, Transition] = {
	"hold_out": _from(Status.ADDRESSED, to=Status.CONTROL_GROUP),
	"answer": _from(Status.ADDRESSED, Status.DECLINED, to=Status.ANSWERED),
	"decline": _from(Status.ADDRESSED, Status.ANSWERED, to=Status.DECLINED),
	"forget_answer": _from(Status.ANSWERED, to=Status.ADDRESSED),
	"qualify": _from(
		Status.CONTROL_GROUP, Status.ADDRESSED, Status.ANSWERED, Status.DECLINED, to=Status.QUALIFIED
	),
	"hand_over": _from(*_NOT_HANDED_OVER, to=Status.HANDED_OVER),
	"return_from_sales": _from(
		Status.CONTROL_GROUP,
		Status.ADDRESSED,
		Status.QUALIFIED,
		Status.HANDED_OVER,
		Status.DECLINED,
		to=Status.ANSWERED,
	),
	"win": _from(*_NOT_HANDED_OVER, Status.HANDED_OVER, to=Status.WON),
}

#: transition → states in which it changes nothing, as the member has that status or a later one
UNCHANGED: Mapping[str, frozenset[Status]] = {
	"qualify": frozenset({Status.QUALIFIED, Status.HANDED_OVER, Status.WON}),
	"hand_over": frozenset({Status.HANDED_OVER, Status.WON}),
	"return_from_sales": frozenset({Status.ANSWERED, Status.WON}),
	"win": frozenset({Status.WON}),
}
