"""Which CRM holds the chances: one adapter a back-end, chosen by what is installed.

Today that is ERPNext's own CRM. It leaves ERPNext with version 17; a back-end for the app frappe/crm is
then another class beside `erpnext_crm`, added to `BACKENDS`, and nothing outside of `pipeline/` changes.
"""

from typing import Protocol

import frappe
from frappe import _

from crm_relations.pipeline.erpnext_crm.opportunities import ErpnextCrm


class CrmAdapter(Protocol):
	"""What the app asks of a CRM. An adapter holds no state."""

	label: str

	def available(self) -> bool:
		"""Whether the back-end is installed on this site."""
		...

	def open_opportunity(
		self,
		relation: str,
		*,
		salesperson: str,
		campaign: str | None = None,
		title: str | None = None,
		notes: str | None = None,
	) -> tuple[str, str]:
		"""Open a chance for the relation; returns the doctype and name of its document.

		:param salesperson: user who is responsible for it
		:param campaign: Relation Campaign that it came from
		:param notes: plain text, one line a reason
		"""
		...


#: in the order in which they are preferred
BACKENDS: tuple[CrmAdapter, ...] = (ErpnextCrm(),)


def get_adapter() -> CrmAdapter:
	"""The first back-end that is installed.

	:raises frappe.ValidationError: none is
	"""
	for backend in BACKENDS:
		if backend.available():
			return backend
	frappe.throw(_("No CRM is installed that can hold an opportunity. Install ERPNext 15 or 16."))
