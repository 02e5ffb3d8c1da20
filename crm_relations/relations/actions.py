"""Offer the next actions for a relation in a role: actions as data, shown on the form of the relation.

Packages and apps declare theirs in lists named by the hook `relation_actions`. The administrator chooses in
the playbook which of them a role type shows, and in which order. Actions that the user may not run, or for
which the relation has no document, are not offered. Writes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate, nowdate

from crm_relations.relations import queries, rules
from crm_relations.relations.party_documents.sources import Party
from crm_relations.relations.roles_and_stages.stage_rules import is_held
from crm_relations.shared.refusals import refuse

#: stand for values of the current relation
RELATION, PARTY_TYPE, PARTY, COMPANY, TODAY = "{relation}", "{party_type}", "{party}", "{company}", "{today}"
YEAR_START = "{year_start}"


@dataclass(frozen=True)
class Action:
	"""One action. Its label is also its key: English, unique, translated when it is shown."""

	label: str
	#: roles that show it by default
	roles: tuple[str, ...]
	#: what happens: a new document is begun, or made from the party by ERPNext's own function; a report or
	#: the party's form is opened; a function is called
	opens: Literal["new", "mapped", "report", "form", "call"]
	#: doctype of the new document, name of the report, or dotted path of the whitelisted function
	target: str = ""
	#: for "mapped": doctype of the party → dotted path of the function that makes the document from it
	mappers: dict[str, str] = field(default_factory=dict)
	#: (doctype, permission) that the user needs
	needs: tuple[tuple[str, str], ...] = ()
	#: doctypes of the party it works on, the preferred one first; without any it works on the relation
	party_types: tuple[str, ...] = ()
	#: fields, filters or arguments → value or one of the placeholders above
	values: dict[str, Any] = field(default_factory=dict)
	#: docfields of what the user is asked first; the function gets their values with the others
	asks: tuple[dict[str, Any], ...] = ()
	#: a question that must be confirmed before a function is called
	confirm: str = ""


ACTIONS: list[Action] = [
	Action(
		"New Sales Order",
		(rules.CUSTOMER,),
		"new",
		"Sales Order",
		needs=(("Sales Order", "create"),),
		party_types=("Customer",),
		values={"customer": PARTY, "relation": RELATION},
	),
	Action(
		"Open Items",
		(rules.DEBTOR,),
		"report",
		"Accounts Receivable",
		needs=(("Sales Invoice", "report"),),
		party_types=("Customer",),
		values={"company": COMPANY, "party_type": PARTY_TYPE, "party": [PARTY], "report_date": TODAY},
	),
	Action(
		"Account Statement",
		(rules.DEBTOR,),
		"report",
		"General Ledger",
		needs=(("GL Entry", "report"),),
		party_types=("Customer",),
		values={
			"company": COMPANY,
			"party_type": PARTY_TYPE,
			"party": [PARTY],
			"from_date": YEAR_START,
			"to_date": TODAY,
		},
	),
	Action(
		"New Purchase Order",
		(rules.SUPPLIER,),
		"new",
		"Purchase Order",
		needs=(("Purchase Order", "create"),),
		party_types=("Supplier",),
		values={"supplier": PARTY},
	),
	Action(
		"Open Employee File",
		(rules.EMPLOYEE,),
		"form",
		needs=(("Employee", "read"),),
		party_types=("Employee",),
	),
]


def declared() -> dict[str, Action]:
	"""Return label → action, of all apps, in the order of the hook."""
	return {
		action.label: action
		for path in frappe.get_hooks("relation_actions")
		for action in frappe.get_attr(path)
	}


def labels_for(role: str) -> list[str]:
	"""Return the actions that a role type shows by default."""
	return [action.label for action in declared().values() if role in action.roles]


def offered(relation: str) -> list[dict[str, Any]]:
	"""Return the actions of the roles that the relation holds now and that the session's user may run.

	:return: `role`, `label`, `opens`, `target`, `values`, `asks`, `confirm` of each, in the order of the
		playbook; an action that several roles show is listed under the first of them
	"""
	today = getdate(nowdate())
	roles = dict.fromkeys(row.role for row in queries.role_rows([relation])[relation] if is_held(row, today))
	parties = queries.parties_of([relation])[relation]
	known = declared()
	result: dict[str, dict[str, Any]] = {}
	for role, label in _chosen(list(roles)):
		action = known.get(label)
		if not action or label in result or not _may(action):
			continue
		party = _party(action, parties)
		if action.party_types and not party:
			continue
		result[label] = {"role": role, **_resolved(action, relation, party)}
	return list(result.values())


def _chosen(roles: list[str]) -> list[tuple[str, str]]:
	"""Return (role, label) as the administrator has chosen them."""
	if not roles:
		return []
	table, kind = frappe.qb.DocType("Relation Role Action"), frappe.qb.DocType("Relation Role Type")
	return (
		frappe.qb.from_(table)
		.join(kind)
		.on(kind.name == table.parent)
		.select(table.parent, table.action)
		.where((table.parenttype == "Relation Role Type") & table.parent.isin(roles))
		.orderby(kind.is_stage, order=frappe.qb.desc)
		.orderby(kind.stage_order, order=frappe.qb.desc)
		.orderby(kind.name)
		.orderby(table.idx)
	).run()


def _may(action: Action) -> bool:
	if not all(frappe.has_permission(doctype, ptype) for doctype, ptype in action.needs):
		return False
	if action.opens == "report":
		report = frappe.get_cached_doc("Report", action.target)
		return bool(not report.disabled and report.is_permitted())
	return True


def _party(action: Action, parties: Iterable[Party]) -> Party | None:
	"""Return the relation's document for the action: of the first type it has, the oldest that the user may
	read.
	"""
	for doctype in action.party_types:
		for party in parties:
			if party[0] == doctype and frappe.has_permission(doctype, "read", doc=party[1]):
				return party
	return None


def _resolved(action: Action, relation: str, party: Party | None) -> dict[str, Any]:
	words = _words(relation, party)
	opened = {"target": action.target, "values": _filled(action.values, words)}
	if action.opens == "form" and party:
		opened = {"target": party[0], "values": {"name": party[1]}}
	elif action.opens == "mapped" and party:
		opened = {"target": action.mappers[party[0]], "values": {"source_name": party[1]}}
	return {
		"label": action.label,
		"opens": action.opens,
		**opened,
		"asks": [{**ask, "label": _(ask["label"])} for ask in action.asks],
		"confirm": _(action.confirm) if action.confirm else "",
	}


def _words(relation: str, party: Party | None) -> dict[str, Callable[[], Any]]:
	return {
		RELATION: lambda: relation,
		PARTY_TYPE: lambda: party and party[0],
		PARTY: lambda: party and party[1],
		COMPANY: lambda: frappe.defaults.get_user_default("Company"),
		TODAY: nowdate,
		YEAR_START: lambda: f"{getdate(nowdate()).year}-01-01",
	}


def _filled(value: Any, words: dict[str, Callable[[], Any]]) -> Any:
	if isinstance(value, dict):
		return {key: _filled(inner, words) for key, inner in value.items()}
	if isinstance(value, list):
		return [_filled(inner, words) for inner in value]
	return words[value]() if isinstance(value, str) and value in words else value


def check(doc: Document) -> None:
	"""Validate a role type: every action it shows is declared, and listed once.

	:raises frappe.ValidationError: names the row and the remedy
	"""
	known, seen = declared(), set()
	for row in doc.get("actions"):
		if row.action not in known:
			refuse(
				_(
					"Actions, row {0}: {1} is not an action of an installed app. Choose another one or remove the row."
				),
				row.idx,
				row.action or "",
			)
		if row.action in seen:
			refuse(_("Actions, row {0}: {1} is shown already. Remove the row."), row.idx, _(row.action))
		seen.add(row.action)
