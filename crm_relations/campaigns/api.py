"""Offer the whitelisted functions of campaigns.

Writes no record itself; each function checks permission and calls the module that does the work.
"""

import frappe
from frappe.utils import cint

from crm_relations.campaigns import checks, lifecycle, queries, rights
from crm_relations.campaigns.email import dispatch, preview
from crm_relations.campaigns.incoming import mail_reviews
from crm_relations.campaigns.manual import call_list, letters
from crm_relations.campaigns.planning import enrollment, jobs
from crm_relations.campaigns.planning import readiness as checklist
from crm_relations.campaigns.reporting import funnel as overview
from crm_relations.campaigns.reporting import lift
from crm_relations.campaigns.transport import account_pauses, accounts
from crm_relations.shared import live_site
from crm_relations.shared.refusals import refuse

DOCTYPE = "Relation Campaign"


@frappe.whitelist(methods=["POST"])  # it asks other servers: a page of another site must not trigger it
def readiness(campaign: str, ask_links: bool = False) -> dict:
	"""Return what a start needs, for the form and the Start dialog.

	`missing` (list of texts), `members` (int), `notes` (list of texts, HTML), `files` (the attachments of
	email steps), `held_back` (why no message leaves this site) and `workers` (int). With `ask_links`, the
	web servers behind the links are asked.
	"""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	ready = checklist.readiness(frappe.get_doc(DOCTYPE, campaign), bool(cint(ask_links)))
	return {**ready, "held_back": live_site.hindrance(), "workers": checks.workers_of_queue()}


@frappe.whitelist(methods=["POST"])
def start(campaign: str) -> dict:
	"""Queue the start and the sending. Returns `queued` (False if something is `missing`), `missing`, and
	`workers`: the number of background workers that could run the job now.
	"""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "start")
	missing = checklist.missing(frappe.get_doc(DOCTYPE, campaign))
	if not missing:
		jobs.enqueue_start(campaign, frappe.session.user)
	return {
		"queued": not missing,
		"missing": missing,
		"workers": checks.workers_of_queue(),
	}


@frappe.whitelist(methods=["POST"])
def send_now(campaign: str) -> dict:
	"""Queue the sending of what is due. Returns `due` (number of messages) and `workers`."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "send_now")
	dispatch.enqueue(campaign)
	return {"due": dispatch.count_due(campaign), "workers": checks.workers_of_queue()}


@frappe.whitelist(methods=["POST"])
def approve(campaign: str) -> dict:
	"""Approve a draft in which nothing is missing. Returns `missing`, which is empty after an approval."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "approve")
	missing = checklist.missing_for_approval(frappe.get_doc(DOCTYPE, campaign))
	if not missing:
		lifecycle.approve(campaign)
	return {"missing": missing}


@frappe.whitelist(methods=["POST"])
def pause(campaign: str) -> dict:
	"""Pause a running campaign at once. Returns its figures (queries.status)."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "pause")
	lifecycle.pause(campaign)
	return queries.status(campaign)


@frappe.whitelist(methods=["POST"])
def resume(campaign: str) -> dict:
	"""Resume a paused campaign and queue what is due. Returns its figures."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "resume")
	lifecycle.resume(campaign)
	dispatch.enqueue(campaign)
	return queries.status(campaign)


@frappe.whitelist(methods=["POST"])
def finish(campaign: str) -> dict:
	"""End a campaign for good. Returns its figures."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "finish")
	lifecycle.finish(campaign)
	return queries.status(campaign)


@frappe.whitelist(methods=["GET", "POST"])
def progress(campaign: str) -> dict:
	"""Return everything that the Progress tab shows.

	`status` (figures), `funnel` and `steps` (`reporting.funnel`), `effect` (the lift over the control
	group; None without one), `uncertain` (the first rows), `due`, `due_calls`, `due_letters`, `print_runs`,
	`left` (members that left early, by reason), `held_back` (why no message leaves this site; empty if
	sending is allowed), `currency`, and `notices` (plain texts: what holds messages back).
	"""
	frappe.has_permission(DOCTYPE, "read", doc=campaign, throw=True)
	funnel = overview.funnel(campaign)
	with_amounts = overview.may_see_amounts(campaign)
	return {
		"status": queries.status(campaign),
		"funnel": funnel,
		"effect": lift.effect(campaign).as_dict(with_amounts) if funnel["control"]["members"] else None,
		"steps": overview.by_step(campaign),
		"uncertain": queries.uncertain(campaign),
		"due": dispatch.count_due(campaign),
		"due_calls": queries.due_by_hand(campaign, "Call"),
		"due_letters": queries.due_by_hand(campaign, "Letter"),
		"print_runs": letters.runs(campaign),
		"left": queries.exit_counts(campaign),
		"held_back": live_site.hindrance(),
		"currency": queries.currency(campaign),
		"notices": _notices(campaign),
	}


@frappe.whitelist(methods=["POST"])
def decide_uncertain(send: str, arrived: bool) -> dict:
	"""Record whether an uncertain message arrived, as a user has found out. If it did not, it is sent
	again. Returns the figures.
	"""
	frappe.has_permission(DOCTYPE, "write", doc=_campaign_of(send), throw=True)
	frappe.has_permission("Relation Campaign Send", "read", doc=send, throw=True)
	rights.check(_campaign_of(send), "decide_uncertain")
	if cint(arrived):
		dispatch.confirm(send)
	else:
		dispatch.requeue(send)
	return queries.status(_campaign_of(send))


@frappe.whitelist(methods=["GET", "POST"])
def next_calls(campaign: str, limit: int = 20) -> list[dict]:
	"""Return the next members to call, with number and script (call_list.next_calls), at most 100."""
	frappe.has_permission(DOCTYPE, "read", doc=campaign, throw=True)
	return call_list.next_calls(campaign, min(max(cint(limit), 1), 100))


@frappe.whitelist(methods=["POST"])
def print_letters(campaign: str) -> dict:
	"""Print the letters that are due. Returns `print_run`, `letters`, `left_out`, `file`, `addresses`,
	`note` (letters.print_due).
	"""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "print_letters")
	return letters.print_due(campaign)


@frappe.whitelist(methods=["POST"])
def discard_letters(campaign: str, print_run: str) -> int:
	"""Discard a print run. Its letters are due again. Returns their number."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "print_letters")
	return letters.discard(campaign, print_run)


@frappe.whitelist(methods=["GET", "POST"])
def preview_step(campaign: str, step: str, relation: str | None = None, second: bool = False) -> dict:
	"""Return a step as one relation would get it: recipient, subject, HTML, and whether consent allows it
	(preview.show). With `second`, variant B of an email.
	"""
	frappe.has_permission(DOCTYPE, "read", doc=campaign, throw=True)
	return preview.show(frappe.get_doc(DOCTYPE, campaign), step, relation, bool(cint(second)))


@frappe.whitelist(methods=["POST"])
def send_test(campaign: str, step: str, user: str, relation: str | None = None, second: bool = False) -> str:
	"""Send an email step, marked as a test, to a user of the site. Returns a message for the user."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	recipient = preview.send(frappe.get_doc(DOCTYPE, campaign), step, user, relation, bool(cint(second)))
	return frappe._("The test message was sent to {0}.").format(recipient)


@frappe.whitelist(methods=["POST"])
def add_relation(campaign: str, relation: str) -> dict:
	"""Enroll one relation in a campaign. Returns the `member` and a `message` for the user."""
	frappe.has_permission(DOCTYPE, "write", doc=campaign, throw=True)
	rights.check(campaign, "add_relation")
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	member = enrollment.add(campaign, relation)
	return {"member": member, "message": frappe._("Added to the campaign {0}.").format(campaign)}


@frappe.whitelist(methods=["POST"])
def confirm_live_site() -> None:
	"""Confirm that this site may send and is not a copy. Returns nothing."""
	frappe.only_for("System Manager")
	live_site.confirm()


@frappe.whitelist(methods=["POST"])
def end_account_pause(pause: str) -> dict:
	"""End the pause of an email account, so that the next messages try again. Returns the `account`."""
	frappe.has_permission(account_pauses.DOCTYPE, "write", doc=pause, throw=True)
	account = frappe.db.get_value(account_pauses.DOCTYPE, pause, "account")
	account_pauses.lift(account)
	return {"account": account}


def _notices(campaign: str) -> list[str]:
	"""Return what holds back messages of a campaign, as plain texts."""
	account = accounts.account_of(frappe.get_doc(DOCTYPE, campaign))
	paused = account_pauses.reason_for(account.name) if account else ""
	waiting = mail_reviews.open_reviews(campaign)
	found = [paused] if paused else []
	if waiting:
		found.append(frappe._("{0} emails wait for a review (Relation Mail Review).").format(waiting))
	return found


def _campaign_of(send: str) -> str:
	campaign = frappe.db.get_value("Relation Campaign Send", send, "campaign")
	if not campaign:
		refuse(
			frappe._("Relation Campaign Send {0} does not exist"), send, exception=frappe.DoesNotExistError
		)
	return campaign
