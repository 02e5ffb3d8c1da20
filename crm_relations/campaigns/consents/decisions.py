"""Record consent events, and decide which addresses may be used on which legal basis. Sole writer of
`Relation Consent`.

Events are stored under the normalized address (`shared.contact_keys`), so that an objection holds for every
variant and for the whole mailbox. Events are only ever added. A person's objection to a whole channel (by
phone, by letter) has `*` as address and holds for all addresses of the relation.
"""

import html
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import frappe
import idna
from frappe import _
from frappe.model.document import Document
from frappe.query_builder import DocType
from frappe.utils import format_datetime, get_datetime, now, now_datetime

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import deliverability
from crm_relations.campaigns.consents import soft_opt_in as existing_customers
from crm_relations.campaigns.consents.address_variants import known as known_spellings
from crm_relations.campaigns.rules import ConsentEvent, Decision
from crm_relations.campaigns.states import Channel
from crm_relations.campaigns.states import ConsentEvent as Event
from crm_relations.relations import changes
from crm_relations.shared.access.system_fields import trusted
from crm_relations.shared.contact_keys import email_key, mailbox_key, phone_key
from crm_relations.shared.refusals import refuse
from crm_relations.shared.text.outside_text import insert_rows

DOCTYPE = "Relation Consent"
WITHDRAWAL_COLUMNS = (
	"name",
	"owner",
	"modified_by",
	"creation",
	"modified",
	"relation",
	"address",
	"address_key",
	"mailbox_key",
	"channel",
	"event",
	"purpose",
	"given_at",
	"source",
	"proof",
	"by_system",
)
#: Hook: dotted paths of functions (set of email keys) → {key: reason} that block addresses elsewhere
SUPPRESSION_HOOK = "relation_email_suppressions"


def region() -> str:
	"""Return the ISO 3166 code of the country in which telephone numbers have no country code."""
	country = frappe.get_cached_doc("Relation Settings").default_country
	return ((country and frappe.get_cached_value("Country", country, "code")) or "de").upper()


def address_key(address: str | None, channel: str) -> str:
	"""Return the normalized address for the channel; empty if the value is not an address."""
	if address == rules.ALL_ADDRESSES:
		return address
	if channel == Channel.EMAIL:
		return email_key(address)
	if channel == Channel.PHONE:
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
	declaration: str | None = None,
	opt_in_request: str | None = None,
) -> str:
	"""Add a consent event and return its name. The caller has checked permission.

	:param event: Given or Withdrawn. Given needs a legal basis.
	:param address: `rules.ALL_ADDRESSES`: an objection of the relation, whatever the address.
	:param source: where the event comes from, in words (form, unsubscribe link, trade fair …).
	:param declaration: the words that the person agreed to.
	:param opt_in_request: the confirmed request of a double opt-in.
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
			"declaration": declaration,
			"by_system": 1,
			"opt_in_request": opt_in_request,
		}
	)
	return trusted(doc).insert(ignore_permissions=True).name


def record_withdrawals(withdrawals: Sequence[Mapping[str, Any]]) -> None:
	"""Add objections as `record` does, set-based.

	Only for addresses and relations without planned messages, and where no other code needs to see each
	event.

	:param withdrawals: arguments of `record`: relation, address, channel, source, given_at, proof
	"""
	rows = []
	stamp, user = now(), frappe.session.user
	for values in withdrawals:
		doc = frappe.get_doc(
			{
				"doctype": DOCTYPE,
				"event": Event.WITHDRAWN,
				"purpose": rules.GENERAL_PURPOSE,
				**values,
				"by_system": 1,
			}
		)
		check_event(doc)
		rows.append(
			(frappe.generate_hash(length=10), user, user, stamp, stamp, *map(doc.get, WITHDRAWAL_COLUMNS[5:]))
		)
	insert_rows(DOCTYPE, WITHDRAWAL_COLUMNS, rows)
	changes.announce(values["relation"] for values in withdrawals)


def withdraw(
	relation: str | None,
	address: str,
	channel: str,
	*,
	source: str,
	proof: str | None = None,
	purpose: str = rules.GENERAL_PURPOSE,
) -> str | None:
	"""Record an objection, unless one is in force; returns its name, or None. Can be repeated, also at the
	same moment.

	Another reason that blocks the address (undeliverable, or unsubscribed elsewhere) makes no difference.
	"""
	if relation:  # two requests at once wait for each other
		frappe.db.get_value("Relation", relation, "name", for_update=True)
	if (
		_declared(relation, address_key(address, channel), channel, purpose, latest=True).reason
		== rules.WITHDRAWN
	):
		return None
	return record(relation, address, channel, "Withdrawn", purpose=purpose, source=source, proof=proof)


def has_objected(relation: str | None, address: str, channel: str) -> bool:
	"""Tell whether an objection to all advertising is in force for the address, whatever else blocks it."""
	key = address_key(address, channel)
	return _declared(relation, key, channel, rules.GENERAL_PURPOSE).reason == rules.WITHDRAWN


def _declared(
	relation: str | None,
	key: str,
	channel: str,
	purpose: str,
	at: datetime | str | None = None,
	latest: bool = False,
) -> Decision:
	"""Return what the person has declared for an address, whatever else blocks it. Includes declarations of
	this relation for all addresses.
	"""
	keys = [] if key == rules.ALL_ADDRESSES else [key]
	of_person = {key: relation or ""}
	events = _events(keys, channel, at, of_person, latest).get(key, ())
	return rules.decide(channel, purpose, events)


def lookup(
	relation: str | None,
	address: str,
	channel: str,
	purpose: str = rules.GENERAL_PURPOSE,
	at: datetime | str | None = None,
) -> Decision:
	"""Decide whether `address` may be used for `purpose` on this channel, now or at the time `at`.

	Without a campaign there are no goods to compare with a sale: § 7 (3) UWG does not count here.
	"""
	key = address_key(address, channel)
	facts = (
		frappe.db.get_value("Relation", relation, ["relation_kind", "market_orientation"])
		if relation
		else None
	)
	business = rules.is_business(*(facts or (None, None)))
	return decide_many({key: business}, channel, purpose, at, relations={key: relation or ""})[key]


def decide_for(campaign: Document, rows: Sequence[frappe._dict], channel: str) -> dict[str, Decision]:
	"""Decide whether the recipients of a campaign may be addressed now. Returns decisions by recipient, in
	a fixed number of queries.

	:param rows: with `recipient` (a normalized address), `relation`, `relation_kind`, `market_orientation`.
		An address that several relations share is a consumer's if one of them is a consumer. An objection
		of one of them blocks it.
	"""
	business: dict[str, bool] = {}
	relations: dict[str, set[str]] = {}
	for row in rows:
		one = rules.is_business(row.relation_kind, row.market_orientation)
		business[row.recipient] = business.get(row.recipient, True) and one
		relations.setdefault(row.recipient, set()).update({row.relation} if row.relation else ())
	sales = None
	if channel == Channel.EMAIL:
		sales = existing_customers.proofs(campaign, {key: min(who) for key, who in relations.items() if who})
	return decide_many(business, channel, campaign.purpose, relations=relations, sales=sales)


def decide_many(
	keys: Mapping[str, bool],
	channel: str,
	purpose: str,
	at: datetime | str | None = None,
	*,
	relations: Mapping[str, str | Collection[str]] | None = None,
	sales: Mapping[str, str] | None = None,
) -> dict[str, Decision]:
	"""Decide about many addresses in a fixed number of queries.

	:param keys: normalized address → is it the address of a business?
	:param relations: address → its relation (or those that share it); their objections to the channel count
		too.
	:param sales: address → proof of the sale for § 7 (3) UWG (`soft_opt_in.proofs`).
	"""
	return decide_purposes(keys, channel, [purpose], at, relations=relations, sales=sales)[purpose]


def decide_purposes(
	keys: Mapping[str, bool],
	channel: str,
	purposes: Sequence[str],
	at: datetime | str | None = None,
	*,
	relations: Mapping[str, str | Collection[str]] | None = None,
	sales: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Decision]]:
	"""Return decisions by purpose and address, with no more queries than for one purpose."""
	known = [key for key in keys if key]
	events = _events(known, channel, at, relations or {})
	blocked = suppressions(set(known)) if channel == Channel.EMAIL else {}
	calls_need_consent = bool(frappe.get_cached_doc("Relation Settings").calls_need_consent)
	return {
		purpose: {
			key: rules.decide(
				channel,
				purpose,
				events.get(key, ()),
				business=business,
				calls_need_consent=calls_need_consent,
				suppressed=blocked.get(key, ""),
				sale=(sales or {}).get(key, ""),
			)
			if key
			else Decision(False, reason=rules.NO_ADDRESS[channel])
			for key, business in keys.items()
		}
		for purpose in purposes
	}


def agreed_to_tracking(recipients: Sequence[str]) -> set[str]:
	"""Return the email keys that agreed to the measuring of opens."""
	decided = decide_many(dict.fromkeys(recipients, False), "Email", rules.TRACKING_PURPOSE)
	return {key for key, decision in decided.items() if decision.allowed}


def suppressions(keys: set[str]) -> dict[str, str]:
	"""Return blocked email keys → why: unsubscribed in Frappe or by an app through the hook
	`relation_email_suppressions`, or undeliverable.
	"""
	found: dict[str, str] = deliverability.undeliverable(keys)
	for path in frappe.get_hooks(SUPPRESSION_HOOK):
		found.update(frappe.get_attr(path)(keys))
	found.update(_unsubscribed_contacts(keys))
	found.update(_unsubscribed_globally(keys))
	return found


def match_address(
	keys: set[str], fetch: Callable[[Callable], Iterable[tuple[str]]], reason: str
) -> dict[str, str]:
	"""Return the `keys` for which another document stores the address in any variant → the reason, found
	through an index of the field.

	:param fetch: gets a function (field → criterion) that finds the candidates, and returns their
		addresses. The hook `relation_email_fields` must declare the doctype and field.
	"""
	if not keys:
		return {}
	spellings = sorted({*keys, *(_unicode_domain(key) for key in keys), *known_spellings(keys)})

	def criterion(field):
		return field.isin(spellings)  # the column compares without case

	stored = (email_key(html.unescape(row[0])) for row in fetch(criterion))
	return {key: reason for key in stored if key in keys}


def _unsubscribed_globally(keys: set[str]) -> dict[str, str]:
	table = DocType("Email Unsubscribe")
	return match_address(
		keys,
		lambda criterion: (
			frappe.qb.from_(table)
			.select(table.email)
			.where((table.global_unsubscribe == 1) & criterion(table.email))
			.run()
		),
		"Unsubscribed from all emails of the site",
	)


def _unsubscribed_contacts(keys: set[str]) -> dict[str, str]:
	contact, address = DocType("Contact"), DocType("Contact Email")
	return match_address(
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
	"""Return the key with its domain in Unicode, as people write it; unchanged if it cannot be decoded."""
	local, _at, domain = key.rpartition("@")
	if "xn--" not in domain:
		return key
	try:
		return f"{local}@{idna.decode(domain)}"
	except UnicodeError:
		return key


def _events(
	keys: list[str],
	channel: str,
	at: datetime | str | None,
	relations: Mapping[str, str | Collection[str]],
	latest: bool = False,
) -> dict[str, list[ConsentEvent]]:
	"""Return the events of each address: its own, objections for other labels of its mailbox, and those of
	its relation.

	:param latest: also read what others have committed since this transaction began; the rows are locked
	"""
	if not keys and not relations:
		return {}
	table = DocType("Relation Consent")
	moment = get_datetime(at) if at else now_datetime()

	def read(criterion, column):
		query = (
			frappe.qb.from_(table)
			.select(column, table.name, table.event, table.purpose, table.given_at, table.legal_basis)
			.where(criterion & (table.channel == channel) & (table.given_at <= moment))
		)
		query = query.for_update() if latest else query
		return [
			(found, ConsentEvent(name, event, purpose, given_at, basis or ""))
			for found, name, event, purpose, given_at, basis in query.run()
		]

	events: dict[str, dict[str, ConsentEvent]] = {}
	for key, event in read(table.address_key.isin(keys), table.address_key) if keys else ():
		events.setdefault(key, {})[event.name] = event
	objects = table.event == Event.WITHDRAWN
	if channel == Channel.EMAIL and keys:
		boxes = _grouped({key: mailbox_key(key) for key in keys})
		for box, event in read(objects & table.mailbox_key.isin(list(boxes)), table.mailbox_key):
			for key in boxes[box]:
				events.setdefault(key, {})[event.name] = event
	owners: dict[str, list[str]] = {}
	for key in keys or relations:
		behind = relations.get(key) or ()
		for relation in [behind] if isinstance(behind, str) else behind:
			owners.setdefault(relation, []).append(key)
	if owners:
		of_person = objects & (table.address_key == rules.ALL_ADDRESSES) & table.relation.isin(list(owners))
		for relation, event in read(of_person, table.relation):
			for key in owners[relation]:
				events.setdefault(key, {})[event.name] = event
	return {key: list(found.values()) for key, found in events.items()}


def _grouped(pairs: Mapping[str, str]) -> dict[str, list[str]]:
	groups: dict[str, list[str]] = {}
	for key, group in pairs.items():
		if group:
			groups.setdefault(group, []).append(key)
	return groups


def check_event(doc: Document) -> None:
	"""Validate a consent event from the desk or from code, and set its keys. A user may record it only for
	a relation that they may read.
	"""
	if doc.relation and not doc.by_system:
		frappe.has_permission("Relation", "read", doc=doc.relation, throw=True)
	doc.address_key = address_key(doc.address, doc.channel)
	if not doc.address_key:
		refuse(_("Address: {0} is not an address for {1}"), doc.address, _(doc.channel))
	if doc.address_key == rules.ALL_ADDRESSES and (doc.event != Event.WITHDRAWN or not doc.relation):
		frappe.throw(_("Address: * stands for all addresses of a relation that objects; name the relation"))
	doc.mailbox_key = mailbox_key(doc.address_key) if doc.channel == Channel.EMAIL else None
	if get_datetime(doc.given_at) > now_datetime():
		frappe.throw(_("Time: a consent cannot lie in the future"))
	if doc.event == Event.GIVEN:
		_check_given(doc)


def _check_given(doc: Document) -> None:
	"""Require a basis that can be declared, and more than a row of a file to lift an objection."""
	if not doc.legal_basis:
		frappe.throw(_("Legal Basis is needed where consent is given"))
	if doc.channel == Channel.EMAIL and doc.legal_basis == rules.EXISTING_CUSTOMER:
		frappe.throw(
			_(
				"Legal Basis: existing customers by § 7 (3) UWG are derived from sales. Enter the advertised item groups in the campaign, and the notices in Relation Settings"
			)
		)
	key = doc.address_key
	before = _declared(doc.relation, key, doc.channel, doc.purpose, doc.given_at)
	if before.reason != rules.WITHDRAWN:
		return
	objection = frappe.db.get_value("Relation Consent", before.consent, ["given_at", "source"], as_dict=True)
	if frappe.flags.in_import:
		remedy = _("An import cannot lift that. Record the new consent by itself, with its proof")
	elif not doc.proof:
		remedy = _("Say under Proof how the new consent was declared")
	else:
		return
	text = _("Address: {0} objected on {1} ({2}).") + " " + remedy
	refuse(text, doc.address, format_datetime(objection.given_at), objection.source)
