"""Apply the contact limits of Relation Settings, per channel and for all channels together, over all
campaigns. Reads only.

Emails are counted by address, so that relations that share one count together. Calls, letters and the total
are counted by relation. What has happened, or may have happened, counts; so does a call that was not
answered.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import frappe
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import add_days, add_to_date, cint, now_datetime
from pypika.terms import Criterion

from crm_relations.campaigns import rules
from crm_relations.campaigns.eligibility import step_rules
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import SendState, StepType

#: channel, or "" for all of them → fields of Relation Settings: number, days
_FIELDS = {
	StepType.EMAIL: ("contact_limit", "contact_limit_days"),
	StepType.CALL: ("call_limit", "call_limit_days"),
	StepType.LETTER: ("letter_limit", "letter_limit_days"),
	"": ("total_limit", "total_limit_days"),
}
_CHANNELS = (StepType.EMAIL, StepType.CALL, StepType.LETTER)
_DAYS = 7


class _Limit:
	"""One limit, and the contacts that the people of some rows have had."""

	def __init__(self, channel: str, number: int, days: int, rows: Sequence[frappe._dict], worker: str):
		self.channel, self.number = channel, number
		self.field = "recipient" if channel == StepType.EMAIL else "relation"
		people = sorted({row[self.field] for row in rows if row[self.field]})
		kinds = [channel] if channel else list(_CHANNELS)
		own = [row.name for row in rows if row.step_type != StepType.EMAIL]
		self.had = self._count(people, lambda table: _happened(table, kinds, days, own))
		self.held = self._count(people, lambda table: _held_elsewhere(table, kinds, worker))

	def _count(self, people: Collection[str], which: Callable) -> Counter[str]:
		table = DocType(store.SEND)
		key = table[self.field]
		query = frappe.qb.from_(table).select(key, Count("*")).where(key.isin(list(people) or [""]))
		return Counter(dict(query.where(which(table)).groupby(key).run()))

	def is_full(self, row: frappe._dict) -> bool:
		return self.had[row[self.field]] >= self.number

	def may_be_full(self, row: frappe._dict) -> bool:
		"""Tell whether the limit depends on messages that other workers hold, and that may be sent or not."""
		return self.had[row[self.field]] + self.held[row[self.field]] >= self.number

	def add(self, row: frappe._dict) -> None:
		self.had[row[self.field]] += 1


def check(rows: Sequence[frappe._dict], worker: str = "") -> tuple[dict[str, str], set[str]]:
	"""Return send rows that exceed a contact limit → why, and the rows that are not certain yet, as other
	workers hold messages to the same people.

	:param rows: with `name`, `step_type`, `relation` and `recipient`; each row that may be sent counts for
		the next
	"""
	rows = [row for row in rows if row.step_type in _CHANNELS]
	refused: dict[str, str] = {}
	later: set[str] = set()
	limits = _limits(rows, worker)
	for row in rows if limits else ():
		mine = [limit for limit in limits if limit.channel in ("", row.step_type)]
		if full := next((limit for limit in mine if limit.is_full(row)), None):
			refused[row.name] = step_rules.CONTACT_LIMITS[full.channel]
		elif any(limit.may_be_full(row) for limit in mine):
			later.add(row.name)
		else:
			for limit in mine:
				limit.add(row)
	return refused, later


def _limits(rows: Sequence[frappe._dict], worker: str) -> list[_Limit]:
	"""Return the limits that are set and that these rows could reach."""
	if not rows:
		return []
	settings: Document = frappe.get_cached_doc("Relation Settings")
	found = []
	for channel, (number, days) in _FIELDS.items():
		concerned = [row for row in rows if channel in ("", row.step_type)]
		if concerned and cint(settings.get(number)) > 0:
			days_back = cint(settings.get(days)) or _DAYS
			found.append(_Limit(channel, cint(settings.get(number)), days_back, concerned, worker))
	return found


def _happened(table: DocType, kinds: Sequence[str], days: int, own: Sequence[str]) -> Criterion:
	since = add_days(now_datetime(), -days)
	by_kind: dict[str, Criterion] = {
		StepType.EMAIL: ((table.state == SendState.SENT) & (table.sent_at >= since))
		| (table.state.isin((SendState.SENDING, SendState.UNCERTAIN)) & (table.claimed_at >= since)),
		StepType.CALL: table.sent_at >= since,
		StepType.LETTER: ((table.state == SendState.SENT) & (table.sent_at >= since))
		| ((table.state == SendState.PENDING) & (table.print_run > "")),
	}
	happened = Criterion.any([(table.step_type == kind) & by_kind[kind] for kind in kinds])
	# another attempt of the same call is not another contact
	return happened & table.name.notin(list(own)) if own else happened


def _held_elsewhere(table: DocType, kinds: Sequence[str], worker: str) -> Criterion:
	fresh = add_to_date(now_datetime(), seconds=-rules.LOCK_SECONDS)
	return Criterion.all(
		[
			table.step_type.isin(list(kinds)),
			table.state == SendState.PENDING,
			table.worker.isnotnull(),
			table.worker != worker,
			table.claimed_at >= fresh,
		]
	)
