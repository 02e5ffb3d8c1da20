"""Choose the CRM that holds the opportunities: one adapter for each back-end. Writes nothing itself.

Today that is ERPNext's own CRM. It leaves ERPNext with version 17. A back-end for the app frappe/crm is another class
like `erpnext_crm`, added to `BACKENDS`. Nothing outside of `pipeline/` changes.
"""

from typing import Protocol

import frappe
from frappe import _

from crm_relations.pipeline.erpnext_crm.opportunities import ErpnextCrm


class CrmAdapter(Protocol):
	"""The functions that the app needs from a CRM. An adapter holds no state."""

	label: str

	def available(self) -> bool:
		"""Tell whether the back-end is installed on this site."""
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
		"""Open an opportunity for the relation; return doctype and name of its document.

		:param salesperson: user responsible for it
		:param campaign: Relation Campaign of the opportunity
		:param notes: plain text, one line for each reason
		"""
		...


#: in order of preference
BACKENDS: tuple[CrmAdapter, ...] = (ErpnextCrm(),)


def get_adapter() -> CrmAdapter:
	"""Return the first back-end that is installed.

	:raises frappe.ValidationError: none is installed
	"""
	for backend in BACKENDS:
		if backend.available():
			return backend
	frappe.throw(_("No CRM is installed that can hold an opportunity. Install ERPNext 15 or 16."))
