"""Check qualification for `relations check`: schemes that cannot score, and handovers with a deleted
document. Reads only.
"""

from collections.abc import Iterator

import frappe
from frappe import _

from crm_relations.segments.compilation import compiler
from crm_relations.segments.language.rules import RuleError
from crm_relations.shared.findings import Finding


def findings() -> list[Finding]:
	"""Report an error for each condition that can no longer be read, and warnings for schemes and handovers
	without effect.
	"""
	return [*_broken_conditions(), *_absent_salespersons(), *_lost_documents()]


def _broken_conditions() -> Iterator[Finding]:
	"""Report schemes with such a condition. Each response of their campaigns is recorded, but its member is
	not scored.
	"""
	scheme = frappe.qb.DocType("Relation Qualification Scheme")
	criterion = frappe.qb.DocType("Relation Qualification Criterion")
	rows = (
		frappe.qb.from_(criterion)
		.join(scheme)
		.on(scheme.name == criterion.parent)
		.select(scheme.name, criterion.idx, criterion.condition)
		.where((scheme.disabled == 0) & (criterion.basis == "Relation"))
		.orderby(scheme.name)
		.orderby(criterion.idx)
		.run()
	)
	for name, idx, condition in rows:
		try:
			compiler.parse(condition or "")
		except RuleError as error:
			yield Finding(
				"error",
				"qualification-condition-broken",
				_("Qualification scheme {0}, row {1}: {2}").format(name, idx, error.message(_)),
				_("Open the scheme and correct the condition. Until then its campaigns award no points."),
			)


def _absent_salespersons() -> Iterator[Finding]:
	scheme, user = frappe.qb.DocType("Relation Qualification Scheme"), frappe.qb.DocType("User")
	rows = (
		frappe.qb.from_(scheme)
		.join(user)
		.on(user.name == scheme.salesperson)
		.select(scheme.name, user.name)
		.where((scheme.disabled == 0) & (user.enabled == 0))
		.orderby(scheme.name)
		.run()
	)
	for name, person in rows:
		yield Finding(
			"warning",
			"qualification-salesperson-disabled",
			_("Qualification scheme {0} proposes the disabled user {1}.").format(name, person),
			_("Choose another Proposed Salesperson in the scheme."),
		)


def _lost_documents() -> Iterator[Finding]:
	"""Report accepted handovers with a document that was deleted; one query per doctype."""
	handover = frappe.qb.DocType("Relation Handover")
	accepted = handover.status == "Accepted"
	doctypes = (
		frappe.qb.from_(handover).select(handover.document_type).distinct().where(accepted).run(pluck=True)
	)
	for doctype in filter(None, doctypes):
		document = frappe.qb.DocType(doctype)
		rows = (
			frappe.qb.from_(handover)
			.left_join(document)
			.on(document.name == handover.document_name)
			.select(handover.relation_name, handover.document_name)
			.where(accepted & (handover.document_type == doctype) & document.name.isnull())
			.orderby(handover.name)
			.run()
		)
		for relation_name, name in rows:
			yield Finding(
				"warning",
				"handover-document-gone",
				_("The handover of {0} was accepted as {1} {2}, which does not exist any more.").format(
					relation_name, _(doctype), name
				),
				_("Open a new opportunity for the relation, or set its campaign member to Declined."),
			)
