"""Run the job behind the Start button: enroll, plan, send. Writes no record itself."""

import time

import frappe

from crm_relations.campaigns.consents import address_variants
from crm_relations.campaigns.email import dispatch
from crm_relations.campaigns.planning import enrollment
from crm_relations.segments.members.membership import SegmentBusyError

#: seconds to wait for a segment that another user or campaign refreshes
BUSY_SECONDS = 300


def enqueue_start(campaign: str, user: str) -> None:
	"""Start a campaign in the background; two clicks make one job."""
	dispatch.enqueue_job(start_and_send, campaign, 60 * 60, user=user)


def start_and_send(campaign: str, user: str | None = None) -> dict:
	"""Start the campaign and send what is due at once; the user sees why a start is refused."""
	address_variants.learn()
	frappe.db.commit()  # the old snapshot would hide members enrolled by another click meanwhile
	try:
		_start(campaign, user)
	except frappe.ValidationError as e:
		frappe.db.rollback()
		frappe.publish_realtime("msgprint", str(e), user=user)
		raise
	frappe.db.commit()
	dispatch.publish(campaign, started=True)
	return dispatch.send_job(campaign)


def _start(campaign: str, user: str | None) -> None:
	end = time.monotonic() + BUSY_SECONDS
	while True:
		try:
			enrollment.start(campaign, user)
			return
		except SegmentBusyError:
			frappe.db.rollback()
			if time.monotonic() > end:
				raise
			frappe.clear_messages()
			time.sleep(1)
