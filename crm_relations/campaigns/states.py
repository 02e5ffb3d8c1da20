"""Define the states and kinds of campaigns, as the Select fields of their doctypes hold them. Pure Python,
imports no frappe. Writes nothing.

Each enumeration has the options of a field (`FIELDS`), without the empty one.
"""

from collections.abc import Mapping

from crm_relations.shared.states.base import State


class CampaignStatus(State):
	DRAFT = "Draft"
	APPROVED = "Approved"
	RUNNING = "Running"
	PAUSED = "Paused"
	DONE = "Done"


class MemberStatus(State):
	ADDRESSED = "Addressed"
	CONTROL_GROUP = "Control Group"
	ANSWERED = "Answered"
	QUALIFIED = "Qualified"
	HANDED_OVER = "Handed Over"
	WON = "Won"
	DECLINED = "Declined"


class StepType(State):
	"""The channel of a step and of its sends."""

	EMAIL = "Email"
	CALL = "Call"
	LETTER = "Letter"
	TASK = "Task"


class StepCondition(State):
	"""The members that a step is for."""

	ANSWERED = "Answered"
	NOT_ANSWERED = "Not Answered"
	CLICKED = "Clicked"
	NOT_CLICKED = "Not Clicked"
	BOUGHT = "Bought"
	NOT_BOUGHT = "Not Bought"


class WinnerMeasure(State):
	"""The measure that decides an A/B test."""

	CLICKED = "Clicked"
	ANSWERED = "Answered"


class Variant(State):
	"""The variant of an email that a send gets. It waits until the test has a winner."""

	A = "A"
	B = "B"
	WAITING = "Waiting"


class SendState(State):
	PENDING = "Pending"
	SENDING = "Sending"
	SENT = "Sent"
	FAILED = "Failed"
	UNCERTAIN = "Uncertain"
	SUPPRESSED = "Suppressed"
	DONE = "Done"


class ResponseType(State):
	REPLY = "Reply"
	CLICK = "Click"
	CALL = "Call"
	LETTER = "Letter"
	UNSUBSCRIBE = "Unsubscribe"
	OPENED = "Opened"
	OUT_OF_OFFICE = "Out of Office"
	BOUNCE = "Bounce"
	COMPLAINT = "Complaint"


class CallAnswer(State):
	"""The answer of a person, on the telephone or in a file of answers."""

	INTERESTED = "Interested"
	NOT_INTERESTED = "Not Interested"
	CALL_BACK = "Call Back"
	NOT_REACHED = "Not Reached"
	UNKNOWN = "Unknown"


class Channel(State):
	"""The channel of a consent or an objection."""

	EMAIL = "Email"
	PHONE = "Phone"
	LETTER = "Letter"


class ConsentEvent(State):
	GIVEN = "Given"
	WITHDRAWN = "Withdrawn"


class OptInState(State):
	WAITING = "Waiting"
	CONFIRMED = "Confirmed"
	EXPIRED = "Expired"


class MailAddressState(State):
	DELIVERABLE = "Deliverable"
	UNDELIVERABLE = "Undeliverable"


class MailReviewState(State):
	OPEN = "Open"
	DONE = "Done"


class MailReviewDecision(State):
	OBJECTION = "Objection"
	ANSWER = "Answer"
	UNDELIVERABLE = "Undeliverable"
	NO_EFFECT = "No Effect"


class CampaignFileKind(State):
	LETTERS = "Letters"
	ADDRESSES = "Addresses"
	REJECTED_ANSWERS = "Rejected Answers"


#: (doctype, field) → the enumeration of its options
FIELDS: Mapping[tuple[str, str], type[State]] = {
	("Relation Campaign", "status"): CampaignStatus,
	("Relation Campaign File", "kind"): CampaignFileKind,
	("Relation Campaign Member", "status"): MemberStatus,
	("Relation Campaign Response", "answer"): CallAnswer,
	("Relation Campaign Response", "response_type"): ResponseType,
	("Relation Campaign Send", "state"): SendState,
	("Relation Campaign Send", "step_type"): StepType,
	("Relation Campaign Step", "ab_measure"): WinnerMeasure,
	("Relation Campaign Step", "only_if"): StepCondition,
	("Relation Campaign Step", "step_type"): StepType,
	("Relation Consent", "channel"): Channel,
	("Relation Consent", "event"): ConsentEvent,
	("Relation Mail Address", "state"): MailAddressState,
	("Relation Mail Review", "decision"): MailReviewDecision,
	("Relation Mail Review", "state"): MailReviewState,
	("Relation Opt-in Request", "state"): OptInState,
}

#: step type → channel of the consent that it needs; a task needs none
CHANNELS: Mapping[StepType, Channel] = {
	StepType.EMAIL: Channel.EMAIL,
	StepType.CALL: Channel.PHONE,
	StepType.LETTER: Channel.LETTER,
}
#: the inverse of CHANNELS
STEP_TYPES: Mapping[str, StepType] = {channel: kind for kind, channel in CHANNELS.items()}
