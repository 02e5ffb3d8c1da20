"""Send the browser what it needs before it opens a screen: enumerations, colors, the grammar of rules.

Writes nothing. The scripts of the desk read it through `public/js/lib/enums.js` and keep no list of their
own.
"""

import re
from typing import Any

import frappe

from crm_relations.campaigns import states
from crm_relations.segments.description import builder_schema
from crm_relations.setup import timeline_legend
from crm_relations.shared.states.base import State

#: name in the browser → the enumeration, or the field that holds the values
ENUMS: dict[str, type[State] | tuple[str, str]] = {
	"CallAnswer": states.CallAnswer,
	"CampaignStatus": states.CampaignStatus,
	"Channel": states.Channel,
	"ConsentEvent": states.ConsentEvent,
	"DuplicateState": ("Relation Duplicate", "state"),
	"HandoverStatus": ("Relation Handover", "status"),
	"ImportStatus": ("Relation Import", "status"),
	"InteractionKind": ("Relation Interaction", "kind"),
	"InteractionOutcome": ("Relation Interaction", "outcome"),
	"MailAddressState": states.MailAddressState,
	"MailReviewDecision": states.MailReviewDecision,
	"MailReviewState": states.MailReviewState,
	"MemberStatus": states.MemberStatus,
	"MergeState": ("Relation Merge", "state"),
	"RelationKind": ("Relation", "relation_kind"),
	"SegmentKind": ("Relation Segment", "kind"),
	"SegmentPin": ("Relation Segment Pin", "pin"),
	"SegmentState": ("Relation Segment", "state"),
	"SendState": states.SendState,
	"StepType": states.StepType,
}
#: enumeration → value → color of its indicator; gray if none is given
COLORS = {
	"CampaignStatus": {"Approved": "purple", "Running": "green", "Paused": "orange", "Done": "blue"},
	"ConsentEvent": {"Given": "green", "Withdrawn": "red"},
	"DuplicateState": {"Open": "orange", "Same": "blue", "Later": "yellow"},
	"HandoverStatus": {"Proposed": "orange", "Accepted": "green", "Returned": "red"},
	"InteractionOutcome": {
		"Successful": "green",
		"Solved": "green",
		"Call Back": "orange",
		"Open": "orange",
		"Refused": "red",
	},
	"MailAddressState": {"Deliverable": "green", "Undeliverable": "red"},
	"MemberStatus": {
		"Control Group": "light-gray",
		"Answered": "blue",
		"Qualified": "purple",
		"Handed Over": "orange",
		"Won": "green",
		"Declined": "red",
	},
	"MergeState": {"Merged": "green"},
	"SegmentKind": {"Dynamic": "blue", "Snapshot": "purple", "Manual": "green"},
	"SegmentState": {"Rule Broken": "orange"},
	"SendState": {
		"Sending": "blue",
		"Sent": "green",
		"Done": "green",
		"Failed": "red",
		"Uncertain": "yellow",
		"Suppressed": "orange",
	},
	"Stage": {"Lead": "blue", "Prospect": "orange", "Customer": "green"},
}


def extend_bootinfo(bootinfo: dict[str, Any]) -> None:
	"""Add what the scripts of this app need to the data that the desk gets at its start."""
	bootinfo["crm_relations"] = {
		"enums": enums(),
		"colors": COLORS,
		"rule_grammar": builder_schema.grammar(),
		"timeline": timeline_legend.legend(),
	}


def enums() -> dict[str, dict[str, str]]:
	"""Return each enumeration as member → value, such as `{"SendState": {"PENDING": "Pending", …}}`."""
	return {name: _values(source) for name, source in ENUMS.items()}


def member_of(value: str) -> str:
	"""Return the name of a value in the browser: capitals, with an underscore between words."""
	return re.sub(r"\W+", "_", value).upper()


def _values(source: type[State] | tuple[str, str]) -> dict[str, str]:
	if isinstance(source, tuple):
		return {member_of(value): value for value in _options(*source) if value}
	return {member.name: member.value for member in source}


def _options(doctype: str, fieldname: str) -> list[str]:
	return frappe.get_meta(doctype).get_field(fieldname).options.split("\n")
