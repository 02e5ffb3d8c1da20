"""Carry `relation` and `relation_campaign` along ERPNext's documents.

Sole writer of these two fields on Opportunity, Quotation, Sales Order, Delivery Note, Sales Invoice, POS Invoice and
draft Payment Entries, and of `relation_campaign` on their rows. `OWNERS` names the exceptions.

Rows decide. A row gets the campaign of the row that it was created from: invoice line ← delivery line ← order line ←
quotation line ← opportunity ← lead. A row without a predecessor gets the campaign that the user entered in the header.
The header has a campaign only if all rows agree. ERPNext's mapper leaves the campaign of the last order in the header of
a combined invoice, which would attribute the lines of the first order to the wrong campaign.

Cost: one indexed query for the party, and one for each type of predecessor of rows without a campaign. The number of
rows does not matter. A complete document needs no query when it is saved.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import frappe
from frappe.model.document import Document
from frappe.query_builder.functions import Coalesce, NullIf

from crm_relations.pipeline.own_company import CAMPAIGN, fits, fitting
from crm_relations.pipeline.rules import agreed, retyped
from crm_relations.relations.identities import identity
from crm_relations.shared.in_lists import one_of
from crm_relations.shared.side_effects import one_statement

RELATION = "relation"


class Reference(NamedTuple):
	"""A field of a row that names the row (or document) from which the row was created."""

	fieldname: str
	doctype: str
	parent: str | None = None  #: for rows: the doctype of their document
	type_field: str | None = None  #: for dynamic links: the field that names the doctype

	def of(self, row: Document) -> str | None:
		if self.type_field and row.get(self.type_field) != self.doctype:
			return None
		return row.get(self.fieldname)


#: row doctype → where its rows come from, the nearest predecessor first
PREDECESSORS: dict[str, tuple[Reference, ...]] = {
	"Quotation Item": (Reference("prevdoc_docname", "Opportunity", type_field="prevdoc_doctype"),),
	"Sales Order Item": (
		Reference("quotation_item", "Quotation Item", "Quotation"),
		Reference("prevdoc_docname", "Quotation"),
	),
	"Delivery Note Item": (
		Reference("dn_detail", "Delivery Note Item", "Delivery Note"),  # a return
		Reference("si_detail", "Sales Invoice Item", "Sales Invoice"),
		Reference("so_detail", "Sales Order Item", "Sales Order"),
		Reference("against_sales_invoice", "Sales Invoice"),
		Reference("against_sales_order", "Sales Order"),
	),
	"Sales Invoice Item": (
		Reference("sales_invoice_item", "Sales Invoice Item", "Sales Invoice"),  # a credit note
		Reference("dn_detail", "Delivery Note Item", "Delivery Note"),
		Reference("so_detail", "Sales Order Item", "Sales Order"),
		Reference("pos_invoice_item", "POS Invoice Item", "POS Invoice"),
		Reference("delivery_note", "Delivery Note"),
		Reference("sales_order", "Sales Order"),
		Reference("pos_invoice", "POS Invoice"),
	),
	"POS Invoice Item": (
		Reference("pos_invoice_item", "POS Invoice Item", "POS Invoice"),  # a return
		Reference("dn_detail", "Delivery Note Item", "Delivery Note"),
		Reference("so_detail", "Sales Order Item", "Sales Order"),
		Reference("delivery_note", "Delivery Note"),
		Reference("sales_order", "Sales Order"),
	),
}
#: doctype → the predecessors of the whole document
HEADER_PREDECESSORS: dict[str, tuple[Reference, ...]] = {
	"Opportunity": (Reference("party_name", "Lead", type_field="opportunity_from"),),
	"Quotation": (
		Reference("opportunity", "Opportunity"),
		Reference("party_name", "Lead", type_field="quotation_to"),
	),
	"Delivery Note": (Reference("return_against", "Delivery Note"),),
	"Sales Invoice": (
		Reference("return_against", "Sales Invoice"),
		Reference("subscription", "Subscription"),
	),
	"POS Invoice": (Reference("return_against", "POS Invoice"),),
}
#: doctype → field of the party, and field (or doctype) with the type of the party
PARTY: dict[str, tuple[str, str]] = {
	"Opportunity": ("party_name", "opportunity_from"),
	"Quotation": ("party_name", "quotation_to"),
	"Sales Order": ("customer", "Customer"),
	"Delivery Note": ("customer", "Customer"),
	"Sales Invoice": ("customer", "Customer"),
	"POS Invoice": ("customer", "Customer"),
	"Payment Entry": ("party", "party_type"),
}


def carry(target: Document, source: Document) -> None:
	"""Copy relation and campaign from the source document if field copying cannot (after_mapping).

	Rows created from `source` get its campaign if their own row had none. The header is set to the campaign
	on which all rows agree, so that the last of several sources does not decide for all. Campaigns of another
	company are not copied. The only query is the company of a campaign that is not cached.
	"""
	if not target.get(RELATION) and source.get(RELATION):
		target.set(RELATION, source.get(RELATION))
	rows = _rows(target)
	for row in rows:
		if not row.get(CAMPAIGN) and _comes_from(row, source):
			row.set(CAMPAIGN, source.get(CAMPAIGN))
		row.set(CAMPAIGN, fitting(row.get(CAMPAIGN), target))
	if rows:
		target.set(CAMPAIGN, agreed(row.get(CAMPAIGN) for row in rows))


@one_statement
def fill(doc: Document) -> None:
	"""Fill relation and campaign of header and rows from the predecessors (validate).

	The campaign of a row is never changed, with one exception. If the user changes the header, the rows that
	got their campaign from the header follow. To give a line of an order another campaign than the order's,
	change it in the line.
	"""
	before = _state(doc)
	_fill_relation(doc)
	rows = _rows(doc)
	if rows:
		_follow_retyped_header(doc, rows)
		_fill_rows(doc, rows)
		_fill_from_header(doc, rows)
		doc.set(CAMPAIGN, agreed(row.get(CAMPAIGN) for row in rows))
	elif not doc.get(CAMPAIGN) and _may_derive(doc):
		doc.set(CAMPAIGN, _campaign_of_header_predecessor(doc))
	_store_when_late(doc, before)


@one_statement
def fill_payment(doc: Document) -> None:
	"""Fill relation and campaign of a Payment Entry (validate).

	The relation is that of the party. The campaign is that of the references, if all agree.
	"""
	before = _state(doc)
	_fill_relation(doc)
	if not doc.get(CAMPAIGN):
		doc.set(CAMPAIGN, fitting(agreed(_campaigns_of_references(doc)), doc))
	_store_when_late(doc, before)


def _rows(doc: Document) -> list[Document]:
	"""Return the item rows that can carry a campaign."""
	field = doc.meta.get_field("items")
	if not field or field.options not in PREDECESSORS:
		return []
	return doc.get("items") or [] if frappe.get_meta(field.options).has_field(CAMPAIGN) else []


def _comes_from(row: Document, source: Document) -> bool:
	for reference in PREDECESSORS[row.doctype]:
		name = reference.of(row)
		if not name:
			continue
		if reference.parent:
			if reference.parent == source.doctype and any(d.name == name for d in source.get("items") or []):
				return True
		elif reference.doctype == source.doctype and name == source.name:
			return True
	return False


def _fill_relation(doc: Document) -> None:
	"""Set the relation of the party: looked up for new documents and if the party changed."""
	party_field, kind = PARTY[doc.doctype]
	kind_changed = doc.meta.has_field(kind) and doc.has_value_changed(kind)
	if doc.get(RELATION) and not kind_changed and not doc.has_value_changed(party_field):
		return
	party_type = doc.get(kind) if doc.meta.has_field(kind) else kind
	party = doc.get(party_field)
	found = identity.relation_of(party_type, party) if party_type and party else None
	if found or not _being_inserted(doc):
		doc.set(RELATION, found)


def _follow_retyped_header(doc: Document, rows: list[Document]) -> None:
	previous = doc.get_doc_before_save()
	if not previous:
		return
	if retyped(previous.get(CAMPAIGN), doc.get(CAMPAIGN), [row.get(CAMPAIGN) for row in rows]):
		for row in rows:
			if not _has_predecessor(row):
				row.set(CAMPAIGN, doc.get(CAMPAIGN))


def _fill_rows(doc: Document, rows: list[Document]) -> None:
	"""Give new rows without a campaign that of their predecessor.

	This takes one query for each type of predecessor.
	"""
	asked: set[tuple[int, str]] = set()  # a row's document is not queried if its row has a campaign
	fresh = _new_rows(doc, rows)
	for reference in PREDECESSORS[rows[0].doctype]:
		document = reference.parent or reference.doctype
		waiting: dict[str, list[Document]] = {}
		for row in fresh:
			name = reference.of(row)
			if name and not row.get(CAMPAIGN) and (id(row), document) not in asked:
				waiting.setdefault(name, []).append(row)
				asked.add((id(row), document))
		if not waiting:
			continue
		campaigns = _campaigns(reference, waiting)
		for name, of_name in waiting.items():
			for row in of_name:
				row.set(CAMPAIGN, fitting(campaigns.get(name), doc))


def _new_rows(doc: Document, rows: list[Document]) -> list[Document]:
	"""Return the rows that are new: a value that a user emptied in an old row stays empty."""
	previous = doc.get_doc_before_save()
	if not previous:
		return rows
	old = {row.name for row in previous.get("items")}
	return [row for row in rows if row.name not in old]


def _fill_from_header(doc: Document, rows: list[Document]) -> None:
	"""Give rows that are still empty the campaign that the user entered.

	Rows without a predecessor get the campaign of the document's predecessor.
	"""
	empty = [row for row in rows if not row.get(CAMPAIGN)]
	if doc.get("is_consolidated"):
		return  # of POS closing: the header has the campaign of the last POS invoice, which no user entered
	if typed := fitting(doc.get(CAMPAIGN), doc):
		for row in empty:
			row.set(CAMPAIGN, typed)
	elif _may_derive(doc):
		own = [row for row in empty if not _has_predecessor(row)]
		if own and (derived := _campaign_of_header_predecessor(doc)):
			for row in own:
				row.set(CAMPAIGN, derived)


def _has_predecessor(row: Document) -> bool:
	return any(reference.of(row) for reference in PREDECESSORS[row.doctype])


def _campaign_of_header_predecessor(doc: Document) -> str | None:
	for reference in HEADER_PREDECESSORS.get(doc.doctype, ()):
		name = reference.of(doc)
		campaign = name and frappe.db.get_value(reference.doctype, name, CAMPAIGN)
		if campaign and fits(campaign, doc.get("company")):
			return campaign
	return None


def _campaigns(reference: Reference, names: Collection[str]) -> dict[str, str | None]:
	"""Return name → campaign, of rows (their own, else their document's) or of documents."""
	table = frappe.qb.DocType(reference.doctype)
	query = frappe.qb.from_(table).where(one_of(table.name, names))
	if reference.parent:
		parent = frappe.qb.DocType(reference.parent)
		own = Coalesce(NullIf(table[CAMPAIGN], ""), parent[CAMPAIGN])
		query = query.join(parent).on(parent.name == table.parent).select(table.name, own)
	else:
		query = query.select(table.name, table[CAMPAIGN])
	return dict(query.run())


def _campaigns_of_references(doc: Document) -> list[str | None]:
	"""Return the campaign of each document that the payment refers to.

	It is None for a document that has none, or cannot have one.
	"""
	references = {
		(row.reference_doctype, row.reference_name)
		for row in doc.get("references") or []
		if row.reference_doctype
	}
	known = campaigns_of(references)
	return [known.get(reference) for reference in references]


def campaigns_of(references: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
	"""Return (doctype, name) → campaign in the header, with one query for each doctype.

	Documents of doctypes that cannot have a campaign are left out.
	"""
	wanted: dict[str, set[str]] = {}
	for doctype, name in references:
		if name and frappe.get_meta(doctype).has_field(CAMPAIGN):
			wanted.setdefault(doctype, set()).add(name)
	return {
		(doctype, name): campaign
		for doctype, names in wanted.items()
		for name, campaign in _campaigns(Reference("reference_name", doctype), names).items()
	}


def _being_inserted(doc: Document) -> bool:
	return bool(doc.get("__islocal"))


def _may_derive(doc: Document) -> bool:
	"""Tell whether the rows may be derived from the header.

	This holds only for a new document, because values that a user emptied later stay empty.
	"""
	return _being_inserted(doc) or _is_late(doc)


def _is_late(doc: Document) -> bool:
	"""Tell whether this is a deferred step: it failed while the document was saved, and runs afterwards."""
	return not _being_inserted(doc) and doc.get_doc_before_save() is None


def _state(doc: Document) -> dict:
	return {(row.doctype, row.name): row.get(CAMPAIGN) for row in _rows(doc)} | {
		RELATION: doc.get(RELATION),
		CAMPAIGN: doc.get(CAMPAIGN),
	}


def _store_when_late(doc: Document, before: dict) -> None:
	"""Store the values of a deferred step, because no save follows that would keep them."""
	if not _is_late(doc):
		return
	for fieldname in (RELATION, CAMPAIGN):
		if doc.get(fieldname) != before[fieldname]:
			doc.db_set(fieldname, doc.get(fieldname), update_modified=False)
	for row in _rows(doc):
		if row.get(CAMPAIGN) != before[(row.doctype, row.name)]:
			row.db_set(CAMPAIGN, row.get(CAMPAIGN), update_modified=False)
