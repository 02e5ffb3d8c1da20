# Copyright (c) 2026, the crm_relations contributors
# License: GPL-3.0. See license.txt

from crm_relations.relations.exchange import importing
from crm_relations.shared.access.documents import RelationDocument


class RelationImport(RelationDocument):
	"""An import of relations from a vCard, csv or Excel file, with preview and result."""

	# begin: auto-generated types
	# This code is auto-generated. Do not modify anything in this block.

	from typing import TYPE_CHECKING

	if TYPE_CHECKING:
		from frappe.types import DF

		from crm_relations.crm_relations.doctype.relation_import_column.relation_import_column import (
			RelationImportColumn,
		)

		columns: DF.Table[RelationImportColumn]
		date_order: DF.Literal["As the File Shows", "Day before Month", "Month before Day"]
		dead_addresses: DF.Int
		existing: DF.Literal["Fill Empty Fields", "Overwrite with the File", "Leave Unchanged"]
		failure: DF.SmallText | None
		file_format: DF.Data | None
		findings: DF.Code | None
		import_file: DF.Attach
		names_as: DF.Literal["Decide by Row", "Persons", "Organisations"]
		objections_email: DF.Int
		objections_letter: DF.Int
		objections_phone: DF.Int
		preview: DF.Code | None
		preview_file: DF.Attach | None
		rejected: DF.Int
		rejected_file: DF.Attach | None
		rows_done: DF.Int
		rows_total: DF.Int
		status: DF.Literal["Draft", "Checked", "Importing", "Done", "Failed"]
		to_create: DF.Int
		to_update: DF.Int
		unchanged: DF.Int
	# end: auto-generated types

	def validate(self) -> None:
		importing.check_unchanged(self)
		importing.read_columns(self)
		importing.check_columns(self)

	def on_trash(self) -> None:
		importing.forget(self)
