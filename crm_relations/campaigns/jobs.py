"""The job behind the Start button: take in, plan, send."""

import frappe

from crm_relations.campaigns import audience, delivery
from crm_relations.campaigns.consents import spellings


def enqueue_start(campaign: str, user: str) -> None:
	"""Start a campaign in the background; two clicks make one job."""
	delivery.enqueue_once(start_and_send, campaign, 60 * 60, user=user)


def start_and_send(campaign: str, user: str | None = None) -> dict:
	"""Start the campaign and send what is due at once; what the start refuses is shown to the user."""
	spellings.learn()
	try:
		audience.start(campaign, user)
	except frappe.ValidationError as e:
		frappe.db.rollback()
		frappe.publish_realtime("msgprint", str(e), user=user)
		raise
	frappe.db.commit()
	delivery.publish(campaign, started=True)
	return delivery.send_job(campaign)
