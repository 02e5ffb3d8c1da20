"""When a campaign may send and call: on its working days, within its hours. What falls due outside waits."""

from datetime import datetime

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, now_datetime


def closed(campaign: Document, at: datetime | None = None) -> str:
	"""Why the campaign rests at this time of the site's time zone; empty if it does not."""
	at = at or now_datetime()
	opens, closes = cint(campaign.hours_from), cint(campaign.hours_until) or 24
	if not opens <= at.hour < closes:
		return _("Outside of the working hours of the campaign")
	if campaign.holiday_list and frappe.db.exists(
		"Holiday", {"parent": campaign.holiday_list, "holiday_date": at.date()}
	):
		return _("Today is a holiday in {0}").format(campaign.holiday_list)
	return ""


def check(campaign: Document) -> None:
	"""Before a campaign is saved.

	:raises frappe.ValidationError: the hours leave no time, or are none of a day
	"""
	opens, closes = cint(campaign.hours_from), cint(campaign.hours_until) or 24
	if not 0 <= opens < closes <= 24:
		frappe.throw(_("Until Hour: give an hour later than From Hour, 24 at most"))
