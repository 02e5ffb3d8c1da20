"""Limit the messages per minute: in all, and to one domain (Relation Settings). Counts in the cache, which
all workers of the site share; writes nothing to the database.

A minute is one by the clock. A worker takes its share of it before it claims rows, so that any number of
workers together stay below the limits. After the cache was emptied, one minute's messages more may leave.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint

_KEEP_SECONDS = 180


@dataclass
class Throttle:
	"""The limits of one account, as one worker sees them; 0 is no limit."""

	account: str
	per_minute: int = 0
	per_domain: int = 0
	_full: set[str] = field(default_factory=set)
	_minute: int = 0

	@classmethod
	def of(cls, account: str) -> "Throttle":
		settings = frappe.get_cached_doc("Relation Settings")
		return cls(account, cint(settings.messages_per_minute), cint(settings.messages_per_minute_and_domain))

	def allowance(self, wanted: int) -> int:
		"""Take up to `wanted` messages out of this minute; returns the number that was available."""
		if not self.per_minute:
			return wanted
		return self._take("", wanted, self.per_minute)

	def give_back(self, number: int) -> None:
		"""Return messages that were taken out of the minute and not used."""
		if self.per_minute and number > 0:
			frappe.cache.incrby(self._key(""), -number)

	def share(self, recipients: Sequence[str]) -> set[int]:
		"""Return the positions of recipients with a domain that has had its messages of this minute."""
		if not self.per_domain:
			return set()
		wanted = Counter(map(domain_of, recipients))
		left = {domain: self._take(domain, number, self.per_domain) for domain, number in wanted.items()}
		for domain, number in wanted.items():
			if left[domain] < number:
				self._full.add(domain)
		too_many = set()
		for position, recipient in enumerate(recipients):
			domain = domain_of(recipient)
			if left[domain]:
				left[domain] -= 1
			else:
				too_many.add(position)
		return too_many

	def full_domains(self) -> set[str]:
		"""Return the domains known to have had their messages of this minute."""
		if self._minute != _minute():
			self._minute, self._full = _minute(), set()
		return self._full

	def _take(self, domain: str, wanted: int, limit: int) -> int:
		key = self._key(domain)
		cache = frappe.cache
		after = cache.incrby(key, wanted)
		cache.expire(key, _KEEP_SECONDS)
		granted = max(0, min(wanted, limit - (after - wanted)))
		if granted < wanted:
			cache.incrby(key, granted - wanted)
		return granted

	def _key(self, domain: str) -> bytes:
		return frappe.cache.make_key(f"relation_throttle|{self.account}|{domain}|{_minute()}")


def domain_of(recipient: str) -> str:
	return recipient.rpartition("@")[2]


def seconds_to_next_minute() -> float:
	return 60 - time.time() % 60


def _minute() -> int:
	return int(time.time() // 60)
