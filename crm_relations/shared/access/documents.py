"""Define the base class of our doctypes."""

from typing import Any

from frappe.model.document import Document

from crm_relations.shared.access import system_fields


class RelationDocument(Document):
	"""Document with system-managed fields that the server protects (`shared.system_fields`)."""

	def load_from_db(self) -> Any:
		loaded = super().load_from_db()
		system_fields.remember(self)
		return loaded

	def check_if_latest(self) -> None:
		# Frappe calls this first in insert and save. The stored document is available, and our own code has
		# not touched the values yet.
		super().check_if_latest()
		system_fields.guard(self)

	def run_post_save_methods(self) -> None:
		super().run_post_save_methods()
		system_fields.remember(self)

	def on_trash(self) -> None:
		system_fields.guard_row(self)
