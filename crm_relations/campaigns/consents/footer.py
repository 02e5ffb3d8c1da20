"""Compose the lines that the law requires below an email: why the reader gets it, and how to unsubscribe.
Writes nothing.
"""

from frappe import _

from crm_relations.campaigns.rules import EXISTING_CUSTOMER, Decision


def imprint(own: str, decision: Decision, language: str) -> str:
	"""Return the lines below an email: the legal notice, and before it the notice that § 7 (3) No. 4 UWG
	requires in each email.
	"""
	if decision.legal_basis != EXISTING_CUSTOMER:
		return own
	notice = _(
		"You get this email because you have bought from us. You can object to the use of your email address for advertising at any time, at no cost beyond the basic rate for sending the objection.",
		lang=language,
	)
	return f"{notice}\n{own}"
