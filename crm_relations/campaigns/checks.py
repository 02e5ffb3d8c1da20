"""Check campaigns for `relations check`. Reads only."""

import frappe
from frappe import _
from frappe.query_builder import DocType
from frappe.query_builder.functions import Count
from frappe.utils import add_to_date, now_datetime
from frappe.utils.background_jobs import get_workers
from rq.timeouts import JobTimeoutException

from crm_relations.campaigns import rules
from crm_relations.campaigns.consents import checks as consent_checks
from crm_relations.campaigns.consents import law
from crm_relations.campaigns.incoming import mail_reviews
from crm_relations.campaigns.manual import tasks
from crm_relations.campaigns.members import assignment
from crm_relations.campaigns.states import CampaignStatus, SendState, StepType
from crm_relations.campaigns.transport import account_pauses, accounts
from crm_relations.shared import live_site
from crm_relations.shared.findings import Finding

SEND = "Relation Campaign Send"


def findings() -> list[Finding]:
	"""Report problems of readiness (account, workers, muted emails) and of integrity (members without
	relation, sends without member, rows left behind).
	"""
	found: list[Finding] = []
	found.extend(_account())
	running = frappe.db.count("Relation Campaign", {"status": CampaignStatus.RUNNING})
	found.extend(_workers(running))
	if running:
		found.extend(_running())
	found.extend(_lawful())
	found.extend(consent_checks.findings())
	found.extend(_rows())
	found.extend(_tasks())
	found.extend(_paused_accounts())
	found.extend(_unread_mails())
	return found


def _paused_accounts() -> list[Finding]:
	return [
		Finding(
			"warning" if row.cause == "Quota" else "error",
			"account-paused",
			account_pauses.reason_for(account),
			_(
				"Ask the provider, or use another account; a Relation Manager can end the pause in Relation Account Pause"
			),
		)
		for account, row in account_pauses.in_force().items()
	]


def _unread_mails() -> list[Finding]:
	waiting = mail_reviews.open_reviews()
	if not waiting:
		return []
	return [
		Finding(
			"warning",
			"mails-to-judge",
			_("{0} incoming emails wait for a review; until then nothing is sent to their addresses").format(
				waiting
			),
			_("Open Relation Mail Review and decide on each"),
		)
	]


def _tasks() -> list[Finding]:
	waiting = frappe.db.count(
		SEND, {"state": SendState.PENDING, "step_type": StepType.TASK, "reason": tasks.NO_USER}
	)
	if not waiting:
		return []
	return [
		Finding(
			"warning",
			"tasks-for-nobody",
			_("{0} tasks of campaigns wait: no responsible user is available").format(waiting),
			_("Name further responsible users in the campaign, or end the absence in Relation Settings"),
		)
	]


def workers_of_queue(queue: str = "long") -> int:
	"""Return the number of background workers that listen to a queue; 0 if Redis cannot be reached."""
	try:
		workers = get_workers()
	except JobTimeoutException:
		raise
	except Exception as e:  # redis-py, rq and sockets each raise their own errors
		frappe.logger("crm_relations").warning("Workers cannot be counted: %s", e)
		return 0
	return sum(any(name == queue or name.endswith(f":{queue}") for name in w.queue_names()) for w in workers)


def _account() -> list[Finding]:
	problems = accounts.check(frappe._dict(email_account=None))
	found = [
		Finding(
			"warning", "no-email-account", text, _("Set one in Relation Settings or as the site's default")
		)
		for text in problems
	]
	if copied := live_site.hindrance():
		found.append(
			Finding(
				"error",
				"copied-site",
				copied,
				_(
					"Leave a copy as it is. On the live site: bench --site {0} relations confirm-live-site"
				).format(frappe.local.site),
			)
		)
	if frappe.are_emails_muted():
		found.append(
			Finding(
				"warning",
				"emails-muted",
				_("Emails are muted on this site; campaigns do not send"),
				_("Remove mute_emails from the site's configuration"),
			)
		)
	return found


def _workers(running: int) -> list[Finding]:
	if not running or workers_of_queue():
		return []
	return [
		Finding(
			"error",
			"no-worker",
			_("{0} campaigns are running, but no worker listens to the queue long").format(running),
			_("Start the bench's workers"),
		)
	]


def _running() -> list[Finding]:
	"""Report running campaigns without a working account or user. Their emails, calls and tasks would wait
	unnoticed.
	"""
	campaigns = frappe.get_all(
		"Relation Campaign",
		filters={"status": CampaignStatus.RUNNING},
		fields=["name", "email_account", "responsible"],
		order_by="name asc",
	)
	steps = frappe.get_all(
		"Relation Campaign Step",
		filters={
			"parent": ["in", [campaign.name for campaign in campaigns]],
			"parenttype": "Relation Campaign",
		},
		fields=["parent", "step_type", "task_for"],
	)
	further = frappe.get_all(
		"Relation Campaign User",
		filters={
			"parent": ["in", [campaign.name for campaign in campaigns]],
			"parenttype": "Relation Campaign",
		},
		fields=["parent", "user"],
		order_by="idx asc",
	)
	named = {
		campaign.name: list(
			dict.fromkeys(
				user
				for user in (
					campaign.responsible,
					*(row.user for row in further if row.parent == campaign.name),
					*(row.task_for for row in steps if row.parent == campaign.name),
				)
				if user
			)
		)
		for campaign in campaigns
	}
	enabled = assignment.enabled({user for users in named.values() for user in users})
	found: list[Finding] = []
	for campaign in campaigns:
		kinds = {row.step_type for row in steps if row.parent == campaign.name}
		if StepType.EMAIL in kinds:
			found.extend(_account_of(campaign))
		if gone := [user for user in named[campaign.name] if user not in enabled]:
			found.append(
				_users_gone(campaign.name, gone, bool(kinds & {"Call", "Task"}), len(named[campaign.name]))
			)
	return found


def _account_of(campaign: frappe._dict) -> list[Finding]:
	remedy = _(
		"Choose another account in the campaign {0}, or repair this one; until then its mails wait"
	).format(campaign.name)
	if campaign.email_account and not frappe.db.exists("Email Account", campaign.email_account):
		text = _("The running campaign {0} sends by the account {1}, which does not exist any more")
		return [
			Finding(
				"error", "campaign-account-gone", text.format(campaign.name, campaign.email_account), remedy
			)
		]
	if not frappe.db.exists(
		SEND, {"campaign": campaign.name, "state": SendState.PENDING, "step_type": StepType.EMAIL}
	):
		return []
	return [
		Finding(
			"error",
			"campaign-account",
			_("The running campaign {0}: {1}").format(campaign.name, text),
			remedy,
		)
		for text in accounts.check(campaign)
	]


def _members_without_campaign() -> list[Finding]:
	member, campaign = DocType("Relation Campaign Member"), DocType("Relation Campaign")
	query = (
		frappe.qb.from_(member)
		.left_join(campaign)
		.on(campaign.name == member.campaign)
		.select(member.campaign)
		.distinct()
		.where(campaign.name.isnull())
	)
	if not (names := sorted(query.run(pluck=True))):
		return []
	return [
		Finding(
			"error",
			"members-without-campaign",
			_("Members of campaigns that are gone: {0}").format(", ".join(names[:5])),
			_("Restore these campaigns from a backup, or create them again under these names"),
		)
	]


def _users_gone(campaign: str, gone: list[str], work: bool, named: int) -> Finding:
	"""Report unavailable users; an error only if calls or tasks have no user left."""
	return Finding(
		"error" if work and len(gone) == named else "warning",
		"campaign-user-gone",
		_("The running campaign {0} has disabled or deleted users: {1}").format(campaign, ", ".join(gone)),
		_("Name other responsible users in the campaign {0}").format(campaign),
	)


def _lawful() -> list[Finding]:
	"""Report a missing legal notice, with the legal provision of the country; outside Germany and Austria
	without one.
	"""
	if frappe.get_cached_doc("Relation Settings").legal_notice:
		return []
	paragraph = law.imprint()
	message = (
		_("Campaign emails have no legal notice ({0})").format(paragraph)
		if paragraph
		else _("Campaign emails do not name their sender: the legal notice is missing")
	)
	return [Finding("warning", "no-imprint", message, _("Enter the legal notice in Relation Settings"))]


def _members() -> list[Finding]:
	member, relation = DocType("Relation Campaign Member"), DocType("Relation")
	lonely = (
		frappe.qb.from_(member)
		.left_join(relation)
		.on(relation.name == member.relation)
		.select(Count("*"))
		.where(relation.name.isnull())
		.run()[0][0]
	)
	if not lonely:
		return []
	return [
		Finding(
			"error",
			"members-without-relation",
			_("{0} campaign members have no relation").format(lonely),
			_("Restore the relations from a backup; these members cannot be addressed"),
		)
	]


def _rows() -> list[Finding]:
	send, member = DocType(SEND), DocType("Relation Campaign Member")
	orphans = (
		frappe.qb.from_(send)
		.left_join(member)
		.on(member.name == send.member)
		.select(Count("*"))
		.where(member.name.isnull())
		.run()[0][0]
	)
	uncertain = frappe.db.count(SEND, {"state": SendState.UNCERTAIN})
	oldest = add_to_date(now_datetime(), seconds=-rules.LOCK_SECONDS)
	stuck = frappe.db.count(SEND, {"state": SendState.SENDING, "claimed_at": ["<", oldest]})
	found = [*_members(), *_members_without_campaign()]
	if orphans:
		found.append(
			Finding(
				"error",
				"sends-without-member",
				_("{0} sends have no member").format(orphans),
				_("Restore the members from a backup; the rows are the proof of what was sent"),
			)
		)
	if uncertain:
		found.append(
			Finding(
				"warning",
				"uncertain-sends",
				_("{0} messages may or may not have been sent").format(uncertain),
				_("Look into the mail server's log, then decide on each in the campaign's progress"),
			)
		)
	if stuck:
		found.append(
			Finding(
				"error",
				"stuck-sends",
				_("{0} messages have been on their way for more than {1} minutes").format(
					stuck, rules.LOCK_SECONDS // 60
				),
				_("Is the scheduler running? It clears up after workers that died"),
			)
		)
	return found
