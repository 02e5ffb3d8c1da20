"""Read opt-outs that another system has recorded: which channel, since when, and from which column.

Imports no frappe. The package `relations` has no consent. Packages that record objections receive them by the
hook `relation_import_objections`: functions that take a list of `Objection`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from crm_relations.relations.exchange.files import cells
from crm_relations.relations.exchange.files.cells import DayAndMonth
from crm_relations.relations.exchange.files.headings import heading_key
from crm_relations.relations.exchange.files.unreadable import Unreadable

EMAIL, PHONE, LETTER = "Email", "Phone", "Letter"
CHANNELS = (EMAIL, PHONE, LETTER)
#: not an objection: messages to the address bounce
DEAD = "Dead Address"
#: a column with one of these headings holds opt-outs if its values say so
STATUS_HEADINGS = frozenset(
	{"status", "newsletter", "state", "emailstatus", "subscription", "listenstatus", "abo"}
)
HOOK = "relation_import_objections"

_CHANNELS = {"email": (EMAIL,), "phone": (PHONE,), "letter": (LETTER,), "all": CHANNELS}
_OPTED_OUT = frozenset(
	(
		"unsubscribed optedout optout abgemeldet ausgetragen unsub unsubscribe complained complaint spam spamreport"
		" donotcontact donotemail blacklisted blocked gesperrt widersprochen abbestellt inactiveunsubscribed donotallow"
		" nichtzulassen nichterlaubt verboten suppressed globallyunsubscribed désinscrit désabonné"
	).split()
)
_DEAD = frozenset(
	"cleaned bounced hardbounce hardbounced invalid ungültig unzustellbar undeliverable gebounct bounce dead hard".split()
)
_ACTIVE = frozenset(
	(
		"subscribed active aktiv angemeldet abonniert optedin optin confirmed bestätigt unconfirmed pending nonsubscribed"
		" transactional never valid gültig ok noconsent archived allow zulassen erlaubt softbounce soft"
		" marketingcontact nonmarketingcontact none"
	).split()
)


@dataclass(frozen=True)
class Mark:
	"""A cell of a column of opt-outs, unchanged from the file."""

	target: str
	heading: str
	text: str


@dataclass(frozen=True)
class Objection:
	"""An objection to a channel, or an undeliverable address, from one row.

	`addresses` are as in the row, `on` is empty if the file has no date, `relation` if no relation is known.
	"""

	channel: str
	source: str
	on: date | None = None
	reason: str = ""
	addresses: tuple[str, ...] = ()
	relation: str | None = None

	def of(
		self, relation: str | None, values: Mapping[str, str], points: Iterable[Sequence[str]]
	) -> "Objection":
		"""Return the objection with its relation and the addresses of its channel in the row."""
		kinds, fields = {
			EMAIL: ((EMAIL,), ("email_id",)),
			PHONE: (("Phone", "Mobile"), ("mobile_no", "phone")),
			DEAD: ((), ("email_id",)),
		}.get(self.channel, ((), ()))
		found = [values.get(field, "") for field in fields]
		found += [point[1] for point in points if point[0] in kinds]
		return replace(self, relation=relation, addresses=tuple(dict.fromkeys(filter(None, found))))


def is_status(values: Iterable[str]) -> bool:
	"""Tell whether all values are words of a newsletter service about a subscription, and one of them is an
	opt-out.
	"""
	keys = {heading_key(value) for value in values if value.strip()}
	return bool(keys & (_OPTED_OUT | _DEAD)) and keys <= _OPTED_OUT | _DEAD | _ACTIVE


def read(marks: Iterable[Mark], read_date: Callable[[str], date | DayAndMonth]) -> list[Objection]:
	"""Return the opt-outs in the cells of a row, one for each channel.

	A cell that says neither yes nor no counts as an opt-out: in case of doubt no message is sent.
	"""
	found: dict[str, Objection] = {}
	dates: dict[str, tuple[date, Mark]] = {}
	for mark in marks:
		if mark.target in ("optout_on", "bounced_on"):
			if on := _date(mark.text, read_date):
				dates.setdefault(mark.target, (on, mark))
			continue
		for channel in _channels(mark):
			known = found.get(channel)
			on = _date(mark.text, read_date)
			if not known or (on and not known.on):
				reason = mark.text if channel == DEAD else ""
				found[channel] = Objection(channel, f"{mark.heading}: {mark.text}", on, reason)
	for target, default in (("optout_on", EMAIL), ("bounced_on", DEAD)):
		if target not in dates:
			continue
		on, mark = dates[target]
		mine = [c for c in found if (c == DEAD) == (default == DEAD)]
		if not mine:
			found[default] = Objection(default, f"{mark.heading}: {mark.text}", on)
		for channel in mine:
			found[channel] = replace(found[channel], on=found[channel].on or on)
	return list(found.values())


def _channels(mark: Mark) -> tuple[str, ...]:
	"""Return the channels that a cell excludes."""
	key = heading_key(mark.text)
	bare = mark.text.strip().casefold()
	if mark.target == "bounced":
		return () if bare in cells.NO or key in _ACTIVE else (DEAD,)
	if mark.target == "optout_status":
		return (EMAIL,) if key in _OPTED_OUT else (DEAD,) if key in _DEAD else ()
	way, _sign, name = mark.target.partition("_")
	if way == "allowed":
		return _CHANNELS[name] if bare in cells.NO or key in _OPTED_OUT else ()
	if bare in cells.NO or key in _ACTIVE or re.fullmatch(r"0+([.,]0+)?", bare):
		return ()
	return (DEAD,) if key in _DEAD else _CHANNELS[name]


def _date(text: str, read_date: Callable[[str], date | DayAndMonth]) -> date | None:
	try:
		found = read_date(text)
	except Unreadable:
		return None
	return found if isinstance(found, date) else None
