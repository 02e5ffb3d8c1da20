"""Serve the page on which a person sees and changes what we may send: purposes by email, calls and letters.
Writes no record itself; `decisions` and `opt_in` do.

A person with the link has one of our emails, perhaps a forwarded one. So the page shows no data but the
address that the email was sent to. A refusal holds at once, and a new agreement is confirmed by an email to
that address.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import frappe
from frappe import _
from frappe.utils import get_url

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import decisions, objections, opt_in, soft_opt_in
from crm_relations.campaigns.consents import purposes as texts
from crm_relations.campaigns.consents.purposes import Purpose
from crm_relations.campaigns.incoming import clicks
from crm_relations.campaigns.states import ConsentEvent
from crm_relations.campaigns.transport import signed_links
from crm_relations.shared.contact_keys import email_key

LINK = "preferences"


@dataclass(frozen=True)
class Visitor:
	"""The person behind the link, and what is known of it."""

	relation: str | None
	address: str  # normalized; may be empty for a relation without email
	language: str
	proof: str


@dataclass(frozen=True)
class Choice:
	"""A purpose by email, and whether the person has agreed to it."""

	purpose: Purpose
	agreed: bool


@dataclass(frozen=True)
class Preferences:
	"""The content of the page."""

	choices: list[Choice]
	customer: bool  # may be contacted as an existing customer, unless the person objects
	calls: bool  # no objection to them
	letters: bool


@dataclass
class Outcome:
	"""The result of a POST."""

	withdrawn: list[str] = field(default_factory=list)
	to_confirm: list[str] = field(default_factory=list)
	refused: bool = False  # the address has had its confirmation emails of the day


def url(relation: str) -> str:
	"""Return the link for a relation, which a user passes on; emails use the link of their send."""
	return get_url(f"/rp/{signed_links.seal(LINK, relation)}")


def visitor(token: str | None) -> Visitor | None:
	"""Return the visitor behind a link: the recipient of an email, or a relation; None for an invalid link."""
	if row := clicks.find(token):
		return Visitor(row.relation, row.recipient, row.language or "", f"{row.campaign} · {row.name}")
	name = signed_links.unseal(LINK, token)
	row = name and frappe.db.get_value("Relation", name, ["name", "email_id", "language"], as_dict=True)
	if not row:
		return None
	return Visitor(row.name, email_key(row.email_id), row.language or "", _("Link of the relation"))


def read(who: Visitor) -> Preferences:
	"""Return the present consent of the visitor, in a fixed number of queries."""
	offered = texts.offered(who.language)
	names = [*(purpose.name for purpose in offered), rules.GENERAL_PURPOSE]
	relations = {who.address: who.relation or ""}
	agreed = decisions.decide_purposes({who.address: False}, "Email", names, relations=relations)
	objected = _objected(who)
	return Preferences(
		choices=[Choice(purpose, agreed[purpose.name][who.address].allowed) for purpose in offered],
		customer=(
			agreed[rules.GENERAL_PURPOSE][who.address].reason == rules.NO_CONSENT
			and bool(who.relation)
			and soft_opt_in.is_customer(who.relation)
		),
		calls="Phone" not in objected,
		letters="Letter" not in objected,
	)


def save(who: Visitor, wanted: Collection[str], no_calls: bool, no_letters: bool, ip: str | None) -> Outcome:
	"""Update consent to what the person ticked. Can be repeated.

	Consent is ticked, and so is an objection: no box is ticked unless the person ticked it.

	:param wanted: purposes that are ticked; others are ignored
	"""
	now = read(who)
	outcome = Outcome()
	for choice in now.choices:
		if choice.agreed and choice.purpose.name not in wanted:
			_withdraw(who, "Email", who.address, choice.purpose.name)
			outcome.withdrawn.append(choice.purpose.title)
	if now.calls and no_calls and who.relation:
		_withdraw(who, "Phone", rules.ALL_ADDRESSES)
		outcome.withdrawn.append(_("Calls"))
	if now.letters and no_letters and who.relation:
		_withdraw(who, "Letter", rules.ALL_ADDRESSES)
		outcome.withdrawn.append(_("Letters"))
	fresh = [c.purpose for c in now.choices if not c.agreed and c.purpose.name in wanted]
	if fresh and who.address:
		asked = opt_in.request(
			who.address,
			[purpose.name for purpose in fresh],
			source="Page of preferences",
			relation=who.relation,
			language=who.language or None,
			ip=ip,
		)
		outcome.refused = asked is None
		outcome.to_confirm = [purpose.title for purpose in fresh] if asked else []
	return outcome


def refuse_all(who: Visitor) -> Outcome:
	"""Record an objection to all advertising on every channel."""
	if who.address:
		_withdraw(who, "Email", who.address)
	if who.relation:
		for channel in ("Phone", "Letter"):
			_withdraw(who, channel, rules.ALL_ADDRESSES)
	return Outcome(withdrawn=[_("All advertising")])


def _withdraw(who: Visitor, channel: str, address: str, purpose: str = rules.GENERAL_PURPOSE) -> None:
	decisions.withdraw(
		who.relation,
		address,
		channel,
		purpose=purpose,
		source="Page of preferences",
		proof=who.proof,
	)


def _objected(who: Visitor) -> set[str]:
	"""Return the channels to which the person as such has objected."""
	if not who.relation:
		return set()
	rows = frappe.get_all(
		"Relation Consent",
		filters={
			"relation": who.relation,
			"address_key": rules.ALL_ADDRESSES,
			"event": ConsentEvent.WITHDRAWN,
			"purpose": rules.GENERAL_PURPOSE,
			"channel": ["in", objections.CHANNELS],
		},
		pluck="channel",
		order_by="given_at asc",
	)
	return set(rows)
