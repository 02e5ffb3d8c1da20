"""Decide when a campaign may send and call: until its end date, on its working days, within its hours.
Reads only.

What falls due outside the hours waits.
"""

from datetime import datetime

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, format_date, getdate, now_datetime


def is_over(campaign: Document, at: datetime | None = None) -> bool:
	"""Tell whether the campaign's end date has passed. The date itself belongs to the campaign."""
	return bool(campaign.end_date) and getdate(campaign.end_date) < (at or now_datetime()).date()


def closed(campaign: Document, at: datetime | None = None) -> str:
	"""Return why the campaign pauses at this time of the site's time zone; empty if it does not."""
	at = at or now_datetime()
	if is_over(campaign, at):
		return _("The campaign ended on {0}").format(format_date(campaign.end_date))
	opens, closes = cint(campaign.hours_from), cint(campaign.hours_until) or 24
	if not opens <= at.hour < closes:
		return _("Outside of the working hours of the campaign")
	if campaign.holiday_list and frappe.db.exists(
		"Holiday", {"parent": campaign.holiday_list, "holiday_date": at.date()}
	):
		return _("Today is a holiday in {0}").format(campaign.holiday_list)
	return ""


def check(campaign: Document) -> None:
	"""Check the hours before a campaign is saved.

	:raises frappe.ValidationError: the hours leave no time, or are none of a day
	"""
	opens, closes = cint(campaign.hours_from), cint(campaign.hours_until) or 24
	if not 0 <= opens < closes <= 24:
		frappe.throw(_("Until Hour: enter an hour later than From Hour, at most 24"))
