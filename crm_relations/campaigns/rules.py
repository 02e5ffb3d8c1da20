"""Define the rules of campaigns: consent, states, responses, repetition. Pure Python, imports no frappe.
Writes nothing.

Texts in here are English source strings; the code that shows them translates them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from crm_relations.campaigns.states import (
	CallAnswer,
	CampaignStatus,
	Channel,
	MemberStatus,
	ResponseType,
)
from crm_relations.campaigns.states import ConsentEvent as Event

# --- the campaign ---------------------------------------------------------------------------------------

#: state → states that a user may change it to
TRANSITIONS: Mapping[str, frozenset[str]] = {
	CampaignStatus.DRAFT: frozenset({CampaignStatus.APPROVED, CampaignStatus.RUNNING}),
	CampaignStatus.APPROVED: frozenset({CampaignStatus.DRAFT, CampaignStatus.RUNNING}),
	CampaignStatus.RUNNING: frozenset({CampaignStatus.PAUSED, CampaignStatus.DONE}),
	CampaignStatus.PAUSED: frozenset({CampaignStatus.RUNNING, CampaignStatus.DONE}),
	CampaignStatus.DONE: frozenset(),
}

#: A purpose of consent that covers every other one, except the measuring of opens.
GENERAL_PURPOSE = "Marketing"
#: Consent to measure whether an email was opened (§ 25 TDDDG); no other consent includes it.
TRACKING_PURPOSE = "Measuring Opens"

# --- consent --------------------------------------------------------------------------------------------

CONSENT = "Consent, Art. 6 (1) (a) GDPR"
EXISTING_CUSTOMER = "Existing customer, § 7 (3) UWG"
PRESUMED_CONSENT = "Presumed consent, § 7 (2) No. 1 UWG"
CONTRACT = "Contract, Art. 6 (1) (b) GDPR"
LEGITIMATE_INTEREST = "Legitimate interest, Art. 6 (1) (f) GDPR"

NO_ADDRESS: dict[str, str] = {
	Channel.EMAIL: "No email address",
	Channel.PHONE: "No telephone number",
	Channel.LETTER: "No postal address",
}
NO_CONSENT = "No consent"
WITHDRAWN = "Consent withdrawn"
#: instead of an address: an objection of the person, whatever the address
ALL_ADDRESSES = "*"
DUPLICATE_ADDRESS = "Another member has the same address"
CAMPAIGN_OVER = "The campaign has ended"

#: channel → bases that a consent event may rest on. A contract is not a basis for advertising. The status
#: of an existing customer, which allows emails, cannot be declared: it is derived from sales, campaign by
#: campaign.
BASES: dict[str, frozenset[str]] = {
	Channel.EMAIL: frozenset({CONSENT}),
	Channel.PHONE: frozenset({CONSENT}),
	Channel.LETTER: frozenset({CONSENT, EXISTING_CUSTOMER, PRESUMED_CONSENT}),
}


@dataclass(frozen=True)
class ConsentEvent:
	"""A row of Relation Consent."""

	name: str
	event: str  # Given or Withdrawn
	purpose: str
	given_at: datetime
	legal_basis: str = ""


@dataclass(frozen=True)
class Decision:
	"""The decision whether an address may be used. `consent` names the event that it rests on, `proof` the
	sale.
	"""

	allowed: bool
	legal_basis: str = ""
	consent: str = ""
	reason: str = ""
	proof: str = ""

	def unless(self, reason: str) -> "Decision":
		"""Return the decision, or a refusal on the same basis if there is another reason against it."""
		return replace(self, allowed=False, reason=reason) if reason else self


def is_business(relation_kind: str | None, market_orientation: str | None) -> bool:
	"""Tell whether the relation is addressed as a business (§ 7 UWG: "sonstiger Marktteilnehmer") and not
	as a consumer.

	Organizations are businesses. A person is a business only if its market orientation is B2B alone.
	Without a relation the stricter rule holds.

	:param market_orientation: the profile option, `B2B` or `Market Orientation: B2B`.
	"""
	if relation_kind == "Organisation":
		return True
	return relation_kind == "Person" and (market_orientation or "").rpartition(":")[2].strip() == "B2B"


def same_purpose(event_purpose: str, purpose: str) -> bool:
	"""Tell whether an event for `event_purpose` also applies to `purpose`. The general purpose applies to
	all.
	"""
	return _fold(event_purpose) in {_fold(purpose), _fold(GENERAL_PURPOSE)}


def decide(
	channel: str,
	purpose: str,
	events: Iterable[ConsentEvent],
	*,
	business: bool = False,
	calls_need_consent: bool = False,
	suppressed: str = "",
	sale: str = "",
) -> Decision:
	"""Decide whether an address may be used for `purpose`, given all consent events recorded for it.

	The latest event decides. Only a new declaration of consent lifts a withdrawal: a later sale (§ 7 (3)
	UWG) does not undo an objection. Email needs consent or an existing customer. Calls need consent; for
	businesses presumed consent suffices unless `calls_need_consent`. Letters are allowed until the person
	objects.

	:param suppressed: why the address is blocked elsewhere; blocks whatever the events say.
	:param sale: proof of the sale that makes an existing customer, § 7 (3) UWG; empty: none.
	"""
	if suppressed:
		return Decision(False, reason=suppressed)
	given: ConsentEvent | None = None
	objection: ConsentEvent | None = None
	relevant = [event for event in events if _bears_on(event, purpose)]
	# two events of one moment: the withdrawal counts
	for event in sorted(relevant, key=lambda e: (e.given_at, e.event == Event.WITHDRAWN)):
		if event.event == Event.WITHDRAWN:
			given, objection = None, event
		elif event.legal_basis in BASES[channel] and (not objection or event.legal_basis == CONSENT):
			given, objection = event, None
	if objection:
		return Decision(False, consent=objection.name, reason=WITHDRAWN)
	if given:
		return Decision(True, legal_basis=given.legal_basis, consent=given.name)
	if channel == Channel.EMAIL and sale:
		return Decision(True, legal_basis=EXISTING_CUSTOMER, proof=sale)
	if channel == Channel.LETTER:
		return Decision(True, legal_basis=LEGITIMATE_INTEREST)
	if channel == Channel.PHONE and business and not calls_need_consent:
		return Decision(True, legal_basis=PRESUMED_CONSENT)
	return Decision(False, reason=NO_CONSENT)


def _bears_on(event: ConsentEvent, purpose: str) -> bool:
	if _fold(purpose) == _fold(TRACKING_PURPOSE) and event.event == Event.GIVEN:
		return _fold(event.purpose) == _fold(TRACKING_PURPOSE)
	return same_purpose(event.purpose, purpose)


def _fold(purpose: str) -> str:
	return " ".join((purpose or "").split()).casefold()


# --- sends ----------------------------------------------------------------------------------------------

#: Number of attempts in all for a message that the server defers, or a person who is not reached.
MAX_ATTEMPTS = 3
_RETRY_MINUTES = (5, 30)

#: Seconds after which a row that a silent worker holds counts as left behind. The SMTP dialogue of one
#: message ends earlier by its own time-outs (120 s per step).
LOCK_SECONDS = 900


def retry_minutes(attempts: int) -> int | None:
	"""Return the minutes to wait after the given number of failed attempts; None: give up."""
	return _RETRY_MINUTES[attempts - 1] if attempts < MAX_ATTEMPTS else None


# --- responses ------------------------------------------------------------------------------------------

CALL_ANSWERS = tuple(CallAnswer)
#: responses that are not a reaction to the text: they change no status of a member
NO_REACTION = frozenset({ResponseType.OPENED, ResponseType.OUT_OF_OFFICE, ResponseType.BOUNCE})
_REACHED = frozenset({CallAnswer.INTERESTED, CallAnswer.NOT_INTERESTED, CallAnswer.CALL_BACK})


def is_answer(response_type: str, answer: str) -> bool:
	"""Tell whether the response shows that the member reacted. A call that reached no person does not."""
	if response_type in (ResponseType.CALL, ResponseType.LETTER):
		return answer in _REACHED
	return response_type in (ResponseType.REPLY, ResponseType.CLICK)


def member_status(current: str, response_type: str, answer: str) -> str:
	"""Return the status of a member after a response. A response does not undo what sales has taken over."""
	if current not in (MemberStatus.ADDRESSED, MemberStatus.ANSWERED, MemberStatus.DECLINED):
		return current
	if (
		response_type in (ResponseType.UNSUBSCRIBE, ResponseType.COMPLAINT)
		or answer == CallAnswer.NOT_INTERESTED
	):
		return MemberStatus.DECLINED
	if answer in (CallAnswer.INTERESTED, CallAnswer.CALL_BACK) or (
		is_answer(response_type, answer) and current == MemberStatus.ADDRESSED
	):
		return MemberStatus.ANSWERED
	return current


_AUTOMATIC_SUBJECT = re.compile(
	r"^\s*(re:\s*|aw:\s*)?"
	r"(auto(matic|matische|matisch)?[\s:_-]*(reply|response|antwort|generated)|auto:|autoreply|autoantwort"
	r"|out of (the )?office|abwesen(d|heit)|nicht im (büro|hause)|i am (currently )?out of|on vacation|urlaub:?\s*$"
	r"|(mail )?delivery (status|failure|has failed)|undeliver(able|ed)|unzustellbar|returned mail|failure notice"
	r"|mail delivery (failed|system)|read:|gelesen:|lesebestätigung)",
	re.IGNORECASE,
)
_AUTOMATIC_SENDER = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounce)", re.IGNORECASE)


def is_automatic(subject: str | None, sender: str | None) -> bool:
	"""Tell whether an incoming email is an out-of-office note, a bounce or a receipt, by its subject and
	sender.
	"""
	return bool(_AUTOMATIC_SUBJECT.match(subject or "") or _AUTOMATIC_SENDER.match(sender or ""))


_ROBOT = re.compile(
	r"bot\b|crawl|spider|slurp|preview|scanner|facebookexternalhit|python-|curl/|wget|java/|go-http|headless"
	r"|barracuda|proofpoint|mimecast|safelinks",
	re.IGNORECASE,
)


def is_robot(method: str, headers: Mapping[str, str]) -> bool:
	"""Tell whether a request on a link is not a person's click: HEAD, a prefetch, or a bot that identifies
	itself.
	"""
	if method != "GET":
		return True
	for name in ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"):
		if any(word in (headers.get(name) or "").lower() for word in ("prefetch", "preview", "prerender")):
			return True
	agent = headers.get("User-Agent") or ""
	return not agent or bool(_ROBOT.search(agent))
