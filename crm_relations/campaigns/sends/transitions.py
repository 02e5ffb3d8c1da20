"""Define the transitions of a send, and the states from which each is allowed. Pure Python, imports no
frappe. Writes nothing; `store` carries them out.

A transition without a target changes other columns and leaves the state.
"""

from collections.abc import Mapping

from crm_relations.campaigns.states import SendState as State
from crm_relations.shared.states.transitions import Transition


def _from(*sources: State, to: State | None = None) -> Transition:
	return Transition(frozenset(sources), to)


#: name of the function in `store` → the transition that it makes
TRANSITIONS: Mapping[str, Transition] = {
	# planning
	"readdress": _from(State.PENDING, State.SUPPRESSED, to=State.PENDING),
	"remove_address": _from(State.PENDING, State.SUPPRESSED, to=State.SUPPRESSED),
	"draw_variant": _from(State.PENDING),
	"settle_variant": _from(State.PENDING, State.SUPPRESSED),
	# left out by rule or by law
	"suppress": _from(State.PENDING, to=State.SUPPRESSED),
	"allow": _from(State.PENDING),
	"refuse": _from(State.PENDING, to=State.SUPPRESSED),
	# emails in the hands of a worker; a withdrawal may have suppressed a claimed row meanwhile
	"claim": _from(State.PENDING),
	"prepare": _from(State.PENDING, State.SUPPRESSED),
	"begin": _from(State.PENDING, to=State.SENDING),
	"begin_again": _from(State.PENDING, State.SENDING, to=State.SENDING),
	"mark_sent": _from(State.PENDING, State.SENDING, State.UNCERTAIN, to=State.SENT),
	"mark_failed": _from(State.PENDING, State.SENDING, State.UNCERTAIN, to=State.FAILED),
	"mark_uncertain": _from(State.PENDING, State.SENDING, State.UNCERTAIN, to=State.UNCERTAIN),
	"leave_out": _from(State.PENDING, State.SENDING, State.UNCERTAIN, to=State.SUPPRESSED),
	"put_back": _from(State.PENDING, State.SENDING, to=State.PENDING),
	"lose": _from(State.SENDING, to=State.UNCERTAIN),
	"forget_communication": _from(State.PENDING, State.SENDING, State.SUPPRESSED),
	"release_suppressed": _from(State.SUPPRESSED),
	# a user decides
	"requeue": _from(State.UNCERTAIN, State.FAILED, to=State.PENDING),
	"confirm_sent": _from(State.UNCERTAIN, to=State.SENT),
	# calls
	"assign": _from(State.PENDING),
	"reserve": _from(State.PENDING),
	"release": _from(State.PENDING),
	"postpone_call": _from(State.PENDING),
	# letters
	"print_letters": _from(State.PENDING),
	"discard_print": _from(State.PENDING),
	"post_letters": _from(State.PENDING, to=State.SENT),
	# tasks
	"wait": _from(State.PENDING),
	# calls, letters and tasks
	"complete": _from(State.PENDING, to=State.DONE),
	"fail": _from(State.PENDING, to=State.FAILED),
}
