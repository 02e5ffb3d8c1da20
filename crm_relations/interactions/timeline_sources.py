"""Declare what the timeline shows of Frappe's, ERPNext's and our own documents. Writes nothing."""

import frappe
from frappe.query_builder.functions import Coalesce, CombineDatetime
from pypika.terms import Case, Criterion, NullValue, Term
from pypika.terms import ValueWrapper as Value

from crm_relations.interactions.timeline import CustomerFile, Source, Table, moment


def _relation(file: CustomerFile, table: Table) -> Criterion:
	return table.relation == file.relation


def _by_person(file: CustomerFile, table: Table) -> Criterion:
	"""Return rows of people: actions of a scanner or a preview belong in no file."""
	return (table.relation == file.relation) & (table.bot == 0)


def _creation(table: Table) -> Term:
	return table.creation


def _of_customer(file: CustomerFile, table: Table) -> Criterion | None:
	customers = file.names("Customer")
	return table.customer.isin(customers) if customers else None


# ── contacts ───────────────────────────────────────────────────────────────────────────────────


def _interaction(table: Table) -> dict[str, Term]:
	return {
		"kind": table.kind,
		"title": table.subject,
		"text": table.notes,
		"status": table.outcome,
		"direction": table.direction,
		"person": table.handled_by,
		"next_step": table.next_step,
		"next_step_on": table.next_step_on,
		"next_step_for": table.next_step_for,
	}


def _mail(table: Table) -> dict[str, Term]:
	return {
		"title": table.subject,
		"text": Coalesce(table.text_content, table.content),
		"status": table.delivery_status,
		"direction": Case().when(table.sent_or_received == "Received", "Incoming").else_("Outgoing"),
		"person": table.sender,
		"medium": table.communication_medium,
	}


def _is_mail(table: Table) -> Criterion:
	return table.communication_type.isin(["Communication", "Automated Message"])


def _referenced_mail(file: CustomerFile, table: Table) -> Criterion:
	return file.points_at_readable(table.reference_doctype, table.reference_name) & _is_mail(table)


def _linked_mail(file: CustomerFile, table: Table) -> Criterion:
	link = frappe.qb.DocType("Communication Link")
	linked = (
		frappe.qb.from_(link)
		.select(link.parent)
		.where(file.points_at_readable(link.link_doctype, link.link_name))
		.where(link.parenttype == "Communication")
	)
	return table.name.isin(linked) & _is_mail(table)


def _linked_call(file: CustomerFile, table: Table) -> Criterion:
	link = frappe.qb.DocType("Dynamic Link")
	linked = (
		frappe.qb.from_(link)
		.select(link.parent)
		.where(file.points_at_readable(link.link_doctype, link.link_name))
		.where(link.parenttype == "Call Log")
	)
	return table.name.isin(linked)


def _call(table: Table) -> dict[str, Term]:
	return {
		"title": Case().when(table.type == "Incoming", table["from"]).else_(table.to),
		"text": table.summary,
		"status": table.status,
		"direction": table.type,
		"duration": table.duration,
	}


def _todo(table: Table) -> dict[str, Term]:
	return {
		"title": table.description,
		"status": table.status,
		"due": table.date,
		"person": table.allocated_to,
	}


def _sent_without_mail(file: CustomerFile, table: Table) -> Criterion:
	"""Return sends without a Communication: emails of a campaign are Communications and appear in the
	timeline as such.
	"""
	return (
		(table.relation == file.relation)
		& table.sent_at.isnotnull()
		& (table.communication.isnull() | (table.communication == ""))
		& table.state.isin(["Sent", "Uncertain", "Done"])
	)


def _send(table: Table) -> dict[str, Term]:
	return {
		"title": table.campaign,
		"text": table.recipient,
		"status": table.state,
		"step_type": table.step_type,
		"campaign": table.campaign,
		"direction": Value("Outgoing"),
	}


def _response(table: Table) -> dict[str, Term]:
	return {
		"title": table.campaign,
		"text": table.note,
		"status": table.answer,
		"response_type": table.response_type,
		"campaign": table.campaign,
		"person": table.recorded_by,
		"direction": Value("Incoming"),
	}


def _handover(table: Table) -> dict[str, Term]:
	return {
		"title": table.campaign,
		"text": table.return_reason,
		"status": table.status,
		"points": table.points,
		"campaign": table.campaign,
		"person": table.salesperson,
	}


# ── documents and money ────────────────────────────────────────────────────────────────────────


def _file(table: Table) -> dict[str, Term]:
	return {"title": table.file_name, "url": table.file_url, "person": table.owner, "size": table.file_size}


def _contract(table: Table) -> dict[str, Term]:
	return {
		"title": table.name,
		"text": table.contract_terms,
		"status": table.status,
		"until": table.end_date,
	}


def _contract_day(table: Table) -> Term:
	return Coalesce(table.signed_on, table.start_date, table.creation)


def _sale(table: Table) -> dict[str, Term]:
	return {
		"title": table.name,
		"status": table.status,
		"amount": table.grand_total,
		"currency": table.currency,
		"campaign": table.relation_campaign,
	}


def _payment(table: Table) -> dict[str, Term]:
	"""Return the amount in the currency of the party's account: what the party paid, or got."""
	received = table.payment_type == "Receive"
	return {
		"title": table.name,
		"text": table.reference_no,
		"status": table.status,
		"amount": Case().when(received, table.paid_amount).else_(table.received_amount),
		"currency": Case()
		.when(received, table.paid_from_account_currency)
		.else_(table.paid_to_account_currency),
		"direction": Case().when(received, "Incoming").else_("Outgoing"),
		"mode": Coalesce(table.mode_of_payment, NullValue()),
		"campaign": table.relation_campaign,
	}


def _posted(table: Table) -> Term:
	return CombineDatetime(table.posting_date, table.posting_time)


def _quotation_party(file: CustomerFile, table: Table) -> Criterion | None:
	return file.points_at_party(table.quotation_to, table.party_name)


def _payment_party(file: CustomerFile, table: Table) -> Criterion | None:
	customers = file.names("Customer")
	return (table.party_type == "Customer") & table.party.isin(customers) if customers else None


def _transaction_day(table: Table) -> Term:
	return moment(table.transaction_date, table.creation)


SOURCES: list[Source] = [
	Source(
		"Interaction",
		"contacts",
		"Relation Interaction",
		_relation,
		lambda table: table.happened_on,
		_interaction,
		html=("text",),
	),
	Source(
		"Email",
		"contacts",
		"Communication",
		_referenced_mail,
		lambda table: Coalesce(table.communication_date, table.creation),
		_mail,
		rights="party",
		html=("text",),
	),
	Source(
		"Email",
		"contacts",
		"Communication",
		_linked_mail,
		lambda table: Coalesce(table.communication_date, table.creation),
		_mail,
		rights="party",
		html=("text",),
	),
	Source(
		"Telephone",
		"contacts",
		"Call Log",
		_linked_call,
		lambda table: Coalesce(table.start_time, table.creation),
		_call,
	),
	Source(
		"Task",
		"contacts",
		"ToDo",
		lambda file, table: file.points_at_readable(table.reference_type, table.reference_name),
		_creation,
		_todo,
		html=("title",),
	),
	Source(
		"Campaign",
		"contacts",
		"Relation Campaign Send",
		_sent_without_mail,
		lambda table: table.sent_at,
		_send,
	),
	Source(
		"Response",
		"contacts",
		"Relation Campaign Response",
		_by_person,
		lambda table: Coalesce(table.received_at, table.creation),
		_response,
	),
	Source(
		"Handover",
		"contacts",
		"Relation Handover",
		_relation,
		lambda table: Coalesce(table.proposed_at, table.creation),
		_handover,
	),
	Source(
		"File",
		"documents",
		"File",
		lambda file, table: file.points_at_readable(table.attached_to_doctype, table.attached_to_name),
		_creation,
		_file,
		rights="party",
	),
	Source(
		"Contract",
		"documents",
		"Contract",
		lambda file, table: file.points_at_party(table.party_type, table.party_name),
		_contract_day,
		_contract,
		html=("text",),
	),
	Source("Quotation", "documents", "Quotation", _quotation_party, _transaction_day, _sale),
	Source("Order", "documents", "Sales Order", _of_customer, _transaction_day, _sale),
	Source("Delivery", "documents", "Delivery Note", _of_customer, _posted, _sale),
	Source("Invoice", "money", "Sales Invoice", _of_customer, _posted, _sale),
	Source(
		"Payment",
		"money",
		"Payment Entry",
		_payment_party,
		lambda table: moment(table.posting_date, table.creation),
		_payment,
	),
]
