"""Run campaigns on schedule, every few minutes. Writes no record itself; `lifecycle`, `sends.store` and
others do.

Approved campaigns start on their day. Campaigns end when their end date has passed or all members are done.
New members are enrolled, tests get their winner, calls are assigned, tasks are created, and emails are
queued. What falls due while the site is off is done when it is back, as all queries ask what is due and
never what is due today. Only the end date is strict: no message leaves after it.
"""

from collections.abc import Callable

import frappe
from frappe.query_builder import DocType
from frappe.query_builder.functions import Coalesce
from frappe.utils import add_to_date, getdate, now_datetime
from pypika.terms import ExistsCriterion
from rq.timeouts import JobTimeoutException

from crm_relations.campaigns import lifecycle
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.manual import tasks
from crm_relations.campaigns.members import ab_test, assignment
from crm_relations.campaigns.planning import enrollment, jobs
from crm_relations.campaigns.sends import store
from crm_relations.campaigns.states import CampaignStatus, SendState, StepType, Variant
from crm_relations.shared import live_site

#: hours without open work after which a campaign counts as done
_QUIET_HOURS = 24


def run() -> None:
	"""Run the schedule of all campaigns. Each campaign is its own transaction: a failure is logged and
	delays no other campaign.
	"""
	if live_site.hindrance():
		return  # a restored copy does nothing by itself
	_each(_due_to_start(), _start)
	_each([*_over(), *_through()], lifecycle.finish_by_itself)
	_each(_running(take_in_new=1), enrollment.enroll_new)
	_each(_with_open_rows("variant", Variant.WAITING), _decide)
	_each(_with_open_rows("step_type", StepType.CALL), assignment.assign_calls)
	_each(_with_open_rows("step_type", StepType.TASK), tasks.make_due)
	dispatch.send_due_campaigns()


def re_enroll() -> None:
	"""Re-enroll relations, every hour. The waiting time is counted in days, and the search reads all
	members.
	"""
	if live_site.hindrance():
		return
	_each(_running(re_entry_days=[">", 0]), enrollment.re_enroll)


def _each(campaigns: list[str], function: Callable[[str], object]) -> None:
	for name in campaigns:
		try:
			function(name)
			frappe.db.commit()
		except JobTimeoutException:
			raise
		except Exception:
			frappe.db.rollback()
			frappe.log_error(f"Campaign {name}: {function.__name__.strip('_')}")
			frappe.db.commit()


def _start(campaign: str) -> None:
	jobs.enqueue_start(campaign, frappe.db.get_value("Relation Campaign", campaign, "approved_by"))


def _decide(campaign: str) -> None:
	ab_test.decide(frappe.get_doc("Relation Campaign", campaign))


def _due_to_start() -> list[str]:
	campaign = DocType("Relation Campaign")
	return (
		frappe.qb.from_(campaign)
		.select(campaign.name)
		.where((campaign.status == CampaignStatus.APPROVED) & (campaign.start_date <= getdate()))
		.where(campaign.end_date.isnull() | (campaign.end_date >= getdate()))
		.orderby(campaign.start_date, campaign.name)
		.run(pluck=True)
	)


def _running(**filters) -> list[str]:
	return frappe.get_all(
		"Relation Campaign",
		filters={"status": CampaignStatus.RUNNING, **filters},
		pluck="name",
		order_by="name asc",
	)


def _over() -> list[str]:
	"""Return the campaigns at work with an end date that has passed."""
	campaign = DocType("Relation Campaign")
	return (
		frappe.qb.from_(campaign)
		.select(campaign.name)
		.where(
			campaign.status.isin((CampaignStatus.RUNNING, CampaignStatus.PAUSED))
			& (campaign.end_date < getdate())
		)
		.orderby(campaign.name)
		.run(pluck=True)
	)


def _through() -> list[str]:
	"""Return the running campaigns that end when all members are done: no new members can enter, and for a
	day nothing has been open or waited for a decision.
	"""
	campaign, send = DocType("Relation Campaign"), DocType(store.SEND)
	quiet_since = add_to_date(now_datetime(), hours=-_QUIET_HOURS)
	rows = frappe.qb.from_(send).select(send.name).where(send.campaign == campaign.name)
	# two queries and not one: the first, which uses an index, excludes most campaigns
	unfinished = rows.where(send.state.isin((SendState.PENDING, SendState.SENDING, SendState.UNCERTAIN)))
	recent = rows.where(send.modified > quiet_since)
	return (
		frappe.qb.from_(campaign)
		.select(campaign.name)
		.where((campaign.status == CampaignStatus.RUNNING) & (campaign.ends_when_through == 1))
		.where((campaign.take_in_new == 0) & (Coalesce(campaign.re_entry_days, 0) == 0))
		.where((campaign.started_at < quiet_since) & ExistsCriterion(unfinished).negate())
		.where(ExistsCriterion(recent).negate())
		.where(campaign.end_date.isnull() | (campaign.end_date >= getdate()))
		.orderby(campaign.name)
		.run(pluck=True)
	)


def _with_open_rows(field: str, value: str) -> list[str]:
	"""Return the running campaigns that have pending rows of this kind."""
	send, campaign = DocType(store.SEND), DocType("Relation Campaign")
	return (
		frappe.qb.from_(send)
		.join(campaign)
		.on(campaign.name == send.campaign)
		.select(send.campaign)
		.distinct()
		.where(
			(campaign.status == CampaignStatus.RUNNING)
			& (send.state == SendState.PENDING)
			& (send[field] == value)
		)
		.run(pluck=True)
	)
