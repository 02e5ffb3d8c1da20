"""Collect what the preview of an import says about the file as a whole: opt-outs, remarks with examples,
questions.

Writes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from frappe import _

from crm_relations.relations.exchange.files import opt_outs
from crm_relations.relations.exchange.files.conventions import Conventions
from crm_relations.relations.exchange.planning import Plan

#: field of the document → what it counts
FIGURES = {
	"objections_email": opt_outs.EMAIL,
	"objections_phone": opt_outs.PHONE,
	"objections_letter": opt_outs.LETTER,
	"dead_addresses": opt_outs.DEAD,
}
EXAMPLES = 3


class Findings:
	"""Collects the plans of a file page by page: the number of each action, opt-outs and remarks."""

	def __init__(self) -> None:
		self.actions: Counter[str] = Counter()
		self._objections: Counter[str] = Counter()
		self._remarks: dict[str, dict[str, Any]] = {}

	def add(self, plans: Iterable[Plan]) -> None:
		"""Add the plans of a page."""
		for plan in plans:
			self.actions[plan.action] += 1
			self._objections.update(objection.channel for objection in plan.objections)
			for kind, detail in plan.remarks:
				found = self._remarks.setdefault(kind, {"text": kind, "count": 0, "examples": []})
				found["count"] += 1
				if len(found["examples"]) < EXAMPLES:
					found["examples"].append(_("Row {0}: {1}").format(plan.record.number, detail))

	def counts(self) -> dict[str, int]:
		"""Return how many rows object to each channel, and how many addresses are undeliverable."""
		return {name: self._objections[channel] for name, channel in FIGURES.items()}

	def texts(self, conventions: Conventions) -> dict[str, list[dict[str, Any]]]:
		"""Return remarks of the same kind with their number and examples, and questions to the user."""
		questions = []
		if conventions.unclear_dates and not conventions.date_order:
			questions.append(
				{
					"field": "date_order",
					"text": _(
						"Dates can be read in two ways and go into the notes. Choose the order of dates, and preview again."
					),
					"examples": conventions.unclear_dates,
				}
			)
		remarks = sorted(self._remarks.values(), key=lambda one: -one["count"])
		return {"remarks": remarks, "questions": questions}
