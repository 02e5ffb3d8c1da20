"""Transitions of a record from one state to the next. Pure Python, imports no frappe."""

from collections.abc import Mapping
from typing import NamedTuple

from crm_relations.shared.states.base import State


class IllegalTransition(Exception):
	"""Code tried a transition from a state that does not allow it: an error of the program, not of the user."""


class Transition(NamedTuple):
	"""The states that a record may be in before a transition, and its state after it. None: the state stays."""

	sources: frozenset[State]
	target: State | None = None


def check(transitions: Mapping[str, Transition], name: str, state: str | None, record: str) -> None:
	"""Raise `IllegalTransition` unless `state` allows the transition `name`.

	:param state: None where the record does not exist
	:param record: name of the record, for the message
	"""
	sources = transitions[name].sources
	if state not in sources:
		allowed = ", ".join(sorted(sources))
		raise IllegalTransition(f"{name} of {record}: it is {state or 'missing'}, and must be {allowed}")
