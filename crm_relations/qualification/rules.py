"""What a criterion counts, as pure rules. Imports no frappe."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
	"""Why a member has points, with the document that shows it."""

	description: str
	points: int
	document_type: str
	document_name: str

	def as_dict(self) -> dict[str, Any]:
		return asdict(self)


@dataclass(frozen=True)
class Score:
	"""The points of a member and the reasons they add up from."""

	points: int = 0
	reasons: tuple[Reason, ...] = ()

	@classmethod
	def of(cls, reasons: Iterable[Reason]) -> "Score":
		reasons = tuple(reasons)
		return cls(sum(reason.points for reason in reasons), reasons)


@dataclass(frozen=True)
class Answer:
	"""A response of the member, as far as a criterion looks at it."""

	name: str
	response_type: str
	answer: str


def first_match(response_type: str | None, answer: str | None, answers: Iterable[Answer]) -> Answer | None:
	"""The first answer that fits; an empty wish fits all. A criterion counts once, however often it is met."""
	for candidate in answers:
		if response_type and candidate.response_type != response_type:
			continue
		if answer and candidate.answer != answer:
			continue
		return candidate
	return None


def may_propose(points: int, threshold: int, earlier: Iterable[tuple[str, int]]) -> bool:
	"""Whether a member may be proposed to sales.

	:param earlier: (status, points) of the handovers that the member has had. One that is open or
		accepted rules out another; after a return, more points than then are needed.
	"""
	if points < threshold:
		return False
	return all(status == "Returned" and points > then for status, then in earlier)
