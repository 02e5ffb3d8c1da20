"""What `relations check` finds in the pipeline: whether a chance can be opened at all."""

from frappe import _

from crm_relations.pipeline.adapter import BACKENDS
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""An error if no CRM is there that could take over a handover."""
	if any(backend.available() for backend in BACKENDS):
		return []
	return [
		Finding(
			"error",
			"no-crm",
			_("No CRM is installed that can hold an opportunity: handovers cannot be accepted."),
			_("Install ERPNext 15 or 16."),
		)
	]
