"""Consent: who may be addressed, on which legal basis. Alone writes `Relation Consent`.

Events are kept by the normal form of the address (`shared.contact_keys`), so that an objection holds
whatever the spelling. They are only ever added.
"""

import html
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.utils import get_datetime, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.rules import ConsentEvent, Decision
from crm_relations.shared.contact_keys import email_key, phone_key

#: Hook: dotted paths of functions (set of e-mail keys) → {key: reason} that block addresses elsewhere
SUPPRESSION_HOOK = "relation_email_suppressions"


def region() -> str:
	"""ISO 3166 code of the country whose telephone numbers are written without a country code."""
	country = frappe.get_cached_doc("Relation Settings").default_country
	return ((country and frappe.get_cached_value("Country", country, "code")) or "de").upper()


def address_key(address: str | None, channel: str) -> str:
	"""Normal form of an address of the channel; empty if it is none."""
	if channel == "E-mail":
		return email_key(address)
	if channel == "Phone":
		return phone_key(address, region())
	return " ".join((address or "").split()).casefold()


def record(
	relation: str | None,
	address: str,
	channel: str,
	event: str,
	*,
	source: str,
	purpose: str = rules.GENERAL_PURPOSE,
	legal_basis: str | None = None,
	given_at: datetime | str | None = None,
	text_version: str | None = None,
	proof: str | None = None,
) -> str:
	"""Add a consent event; returns its name. The caller has checked who may do so.

	:param event: Given or Withdrawn. What is given needs a legal basis.
	:param source: where the event comes from, in words (form, unsubscribe link, trade fair …).
	"""
	doc = frappe.get_doc(
		{
			"doctype": "Relation Consent",
			"relation": relation,
			"address": address,
			"channel": channel,
			"event": event,
			"purpose": purpose,
			"legal_basis": legal_basis,
			"given_at": get_datetime(given_at) if given_at else now_datetime(),
			"source": source,
			"text_version": text_version,
			"proof": proof,
		}
	)
	return doc.insert(ignore_permissions=True).name


def lookup(
	relation: str | None,
	address: str,
	channel: str,
	purpose: str = rules.GENERAL_PURPOSE,
	at: datetime | str | None = None,
) -> Decision:
	"""May `address` be used for `purpose` on this channel, now or as things stood at `at`?"""
	key = address_key(address, channel)
	facts = (
		frappe.db.get_value("Relation", relation, ["relation_kind", "market_orientation"])
		if relation
		else None
	)
	return decide_many({key: rules.is_business(*(facts or (None, None)))}, channel, purpose, at)[key]


def decide_many(
	keys: Mapping[str, bool],
	channel: str,
	purpose: str,
	at: datetime | str | None = None,
) -> dict[str, Decision]:
	"""The same for many addresses in a fixed number of queries.

	:param keys: normal form of an address → is it a business's?
	"""
	known = [key for key in keys if key]
	events = _events(known, channel, at)
	blocked = suppressions(set(known)) if channel == "E-mail" else {}
	calls_need_consent = bool(frappe.get_cached_doc("Relation Settings").calls_need_consent)
	return {
		key: rules.decide(
			channel,
			purpose,
			events.get(key, ()),
			business=business,
			calls_need_consent=calls_need_consent,
			suppressed=blocked.get(key, ""),
		)
		if key
		else Decision(False, reason=rules.NO_ADDRESS[channel])
		for key, business in keys.items()
	}


def suppressions(keys: set[str]) -> dict[str, str]:
	"""E-mail keys that Frappe, or an app by the hook `relation_email_suppressions`, has unsubscribed → why."""
	found: dict[str, str] = {}
	for path in frappe.get_hooks(SUPPRESSION_HOOK):
		found.update(frappe.get_attr(path)(keys))
	found.update(_unsubscribed_contacts(keys))
	found.update(_unsubscribed_globally(keys))
	return found


def matching(
	keys: set[str], fetch: Callable[[Callable], Iterable[tuple[str]]], reason: str
) -> dict[str, str]:
	"""Those of `keys` whose address is stored elsewhere in any spelling.

	:param fetch: gets a function (field → criterion) that catches the candidates, and returns their addresses.
	"""
	if not keys:
		return {}
	spellings = sorted(keys | {_unicode_domain(key) for key in keys})

	def criterion(field):
		# the column compares without case; a display name or a leading space is caught by its sign
		return field.isin(spellings) | field.like("%<%") | field.like("%&lt;%") | field.like(" %")

	stored = (email_key(html.unescape(row[0])) for row in fetch(criterion))
	return {key: reason for key in stored if key in keys}


def _unsubscribed_globally(keys: set[str]) -> dict[str, str]:
	table = DocType("Email Unsubscribe")
	return matching(
		keys,
		lambda criterion: (
			frappe.qb.from_(table)
			.select(table.email)
			.where((table.global_unsubscribe == 1) & criterion(table.email))
			.run()
		),
		"Unsubscribed from all e-mails of the site",
	)


def _unsubscribed_contacts(keys: set[str]) -> dict[str, str]:
	contact, address = DocType("Contact"), DocType("Contact Email")
	return matching(
		keys,
		lambda criterion: (
			frappe.qb.from_(address)
			.join(contact)
			.on(contact.name == address.parent)
			.select(address.email_id)
			.where(
				(contact.unsubscribed == 1) & (address.parenttype == "Contact") & criterion(address.email_id)
			)
			.run()
		),
		"Unsubscribed in the contact",
	)


def _unicode_domain(key: str) -> str:
	local, _at, domain = key.rpartition("@")
	if "xn--" not in domain:
		return key
	return f"{local}@{domain.encode('ascii').decode('idna')}"


def _events(keys: list[str], channel: str, at: datetime | str | None) -> dict[str, list[ConsentEvent]]:
	if not keys:
		return {}
	table = DocType("Relation Consent")
	query = (
		frappe.qb.from_(table)
		.select(table.address_key, table.name, table.event, table.purpose, table.given_at, table.legal_basis)
		.where(table.address_key.isin(keys) & (table.channel == channel))
		.where(table.given_at <= (get_datetime(at) if at else now_datetime()))
	)
	events: dict[str, list[ConsentEvent]] = {}
	for key, name, event, purpose, given_at, legal_basis in query.run():
		events.setdefault(key, []).append(ConsentEvent(name, event, purpose, given_at, legal_basis or ""))
	return events


def check_event(doc) -> None:
	"""Validation of a consent event from the desk or by code; sets its address key."""
	doc.address_key = address_key(doc.address, doc.channel)
	if not doc.address_key:
		frappe.throw(_("Address: {0} is no address for {1}").format(frappe.bold(doc.address), _(doc.channel)))
	if doc.event == "Given" and not doc.legal_basis:
		frappe.throw(_("Legal Basis is needed where consent is given"))
	if get_datetime(doc.given_at) > now_datetime():
		frappe.throw(_("Time: a consent cannot lie in the future"))
