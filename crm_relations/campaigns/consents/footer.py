"""What a mail must tell its reader beside the text: why it came, and how to be rid of it."""

from frappe import _

from crm_relations.campaigns.rules import EXISTING_CUSTOMER, Decision


def imprint(own: str, decision: Decision, language: str) -> str:
	"""The lines below a mail: the imprint, and before it the notice that § 7 (3) No. 4 UWG asks for in each mail."""
	if decision.legal_basis != EXISTING_CUSTOMER:
		return own
	notice = _(
		"You get this email because you have bought from us. You can object to the use of your email address for advertising at any time, at no cost beyond the basic rate for sending the objection.",
		lang=language,
	)
	return f"{notice}\n{own}"
