"""What running campaigns do by themselves, every few minutes: approved ones start on their day, new members are taken
in, tests get their winner, tasks are made, e-mails are queued. What falls due while the site is off is done when it is
back: all of it asks what is due, and never whether it is due today.
"""

from collections.abc import Callable

import frappe
from frappe.query_builder import DocType
from frappe.utils import getdate

from crm_relations.campaigns import ab_test, audience, delivery, jobs, send_ledger, tasks


def run() -> None:
	"""Scheduler. Each campaign is a transaction of its own: one that fails is logged and keeps no other back."""
	_each(_due_to_start(), _start)
	_each(_running(take_in_new=1), audience.take_in_new)
	_each(_with_open_rows("variant", send_ledger.WAITING), _decide)
	_each(_with_open_rows("step_type", "Task"), tasks.make_due)
	delivery.send_due_campaigns()


def _each(campaigns: list[str], function: Callable[[str], object]) -> None:
	for name in campaigns:
		try:
			function(name)
			frappe.db.commit()
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
		.where((campaign.status == "Approved") & (campaign.start_date <= getdate()))
		.orderby(campaign.start_date, campaign.name)
		.run(pluck=True)
	)


def _running(**filters) -> list[str]:
	return frappe.get_all(
		"Relation Campaign", filters={"status": "Running", **filters}, pluck="name", order_by="name asc"
	)


def _with_open_rows(field: str, value: str) -> list[str]:
	"""Running campaigns that have pending rows of this kind."""
	send, campaign = DocType(send_ledger.SEND), DocType("Relation Campaign")
	return (
		frappe.qb.from_(send)
		.join(campaign)
		.on(campaign.name == send.campaign)
		.select(send.campaign)
		.distinct()
		.where((campaign.status == "Running") & (send.state == "Pending") & (send[field] == value))
		.run(pluck=True)
	)
