"""Decide what a criterion counts, and which members may be proposed. Imports no frappe. Writes nothing."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
	"""A reason for points of a member, with the document that shows it."""

	description: str
	points: int
	document_type: str
	document_name: str

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


@dataclass(frozen=True)
class Score:
	"""The points of a member and their reasons."""

	points: int = 0
	reasons: tuple[Reason, ...] = ()

	@classmethod
	def of(cls, reasons: Iterable[Reason]) -> "Score":
		reasons = tuple(reasons)
		return cls(sum(reason.points for reason in reasons), reasons)


@dataclass(frozen=True)
class Answer:
	"""A response of the member, as far as a criterion reads it."""

	name: str
	response_type: str
	answer: str


def first_match(response_type: str | None, answer: str | None, answers: Iterable[Answer]) -> Answer | None:
	"""Return the first answer that matches; an empty criterion matches all. A criterion counts once,
	however often it is met.
	"""
	for candidate in answers:
		if response_type and candidate.response_type != response_type:
			continue
		if answer and candidate.answer != answer:
			continue
		return candidate
	return None


def may_propose(points: int, threshold: int, earlier: Iterable[tuple[str, int]]) -> bool:
	"""Tell whether a member may be proposed to sales.

	:param earlier: (status, points) of the handovers that the member has had. One that is open or accepted
		rules out another; after a return, more points than then are needed.
	"""
	if points < threshold:
		return False
	return all(status == "Returned" and points > then for status, then in earlier)
