"""Decide who may read a relation and its rows: hooks `permission_query_conditions` and `has_permission`.

A relation follows its documents. Frappe applies User Permissions to the relation's own links (country,
salutation …). This module applies them to its party documents and to its territory.

* A User Permission hides the relation if it hides one of its party documents (by the document's name, a link
in it or in its child tables), or if the relation's territory is not among the allowed ones.

* Another of its party documents may match such a User Permission by a value, and then opens the relation: a
lead in an allowed territory opens a relation that is also a customer in another one. A document that no User
Permission concerns opens nothing.

A document that links to a relation is readable only if that relation is: one condition for all of these
doctypes. Documents shared with the user stay readable. All conditions are empty for users without
restrictions. Writes nothing.
"""

import frappe
from frappe.desk.reportview import build_match_conditions
from frappe.model.document import Document
from frappe.permissions import get_role_permissions, get_user_permissions
from frappe.share import get_shared
from frappe.utils import cstr

from crm_relations.relations import list_requests
from crm_relations.relations.party_documents.sources import sources
from crm_relations.shared.access import user_permissions
from crm_relations.shared.access.permissions import NOTHING, MatchConditions

RELATION, PARTY, TERRITORY = "Relation", "Relation Party", "Territory"
#: Frappe's lists of records that belong to any document, some without checking the permissions on that
#: document
LOGS = ("Comment", "Communication", "Tag Link")


def condition(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL that narrows a list of `doctype`, Relation or one that belongs to it; empty if nothing is
	narrowed.
	"""
	user, doctype = user or frappe.session.user, doctype or RELATION
	if user == "Administrator":
		return ""
	if user == frappe.session.user and doctype not in LOGS and not frappe.get_meta(doctype).istable:
		list_requests.check_filters(doctype)
	return _of_relations(user) if doctype == RELATION else _of_rows(user, doctype)


def condition_of_linked(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL for lists of ERPNext's documents: narrowed only if the request asks for fields of their
	relation.

	Frappe would return these fields of hidden relations too. Segments have pins that name relations: a
	restricted user gets none of them then.
	"""
	user = user or frappe.session.user
	if not doctype or user == "Administrator" or not list_requests.asks_linked_relation():
		return ""
	if user == frappe.session.user:
		list_requests.check_filters(RELATION)
	if not (readable := _readable_relations(user)):
		return ""
	if RELATION not in [field.options for field in frappe.get_meta(doctype).get_link_fields()]:
		return NOTHING
	return " and ".join(
		f"(ifnull(`tab{doctype}`.`{column}`, '') = '' or {_names_readable(doctype, column, readable)})"
		for column in link_columns(doctype)
	)


def may_read(doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False) -> bool:
	"""Tell whether the user may read or change a relation, or a document that belongs to one; can only deny.

	The row in the database counts as well as the document in memory: a link that is changed in the same request
	opens nothing.
	"""
	user = user or frappe.session.user
	if user == "Administrator":
		return True
	stored = bool(doc.name) and not doc.is_new()
	if doc.doctype == RELATION:
		return fits(RELATION, doc.name, _readable_relations(user)) if stored else _may_create(doc, user)
	named = {cstr(doc.get(column)) for column in link_columns(doc.doctype)} - {""}
	if not all(may_read_relation(name, user) for name in named):
		return False
	return not stored or fits(doc.doctype, doc.name, condition(user, doc.doctype))


def may_read_relation(relation: str, user: str | None = None) -> bool:
	"""Tell whether the user may read a relation: by role, by User Permissions, or because it is shared."""
	return fits(RELATION, relation, _readable_relations(user or frappe.session.user))


def sees_all(user: str | None = None) -> bool:
	"""Tell whether the user may read every relation, so that a count of all of them reveals nothing hidden."""
	return _readable_relations(user or frappe.session.user) == ""


def condition_of_addresses(user: str | None = None, doctype: str | None = None) -> str:
	"""Return SQL for lists of addresses that name no relation: nothing, unless the user may read every
	relation.
	"""
	return "" if sees_all(user) else NOTHING


def may_read_address(
	doc: Document, ptype: str | None = None, user: str | None = None, debug: bool = False
) -> bool:
	"""Tell whether the user may read a row with an address that names no relation; can only deny."""
	return sees_all(user)


def link_columns(doctype: str) -> list[str]:
	"""List the columns of a doctype that name a relation; of a child table of Relation, the parent."""
	meta = frappe.get_meta(doctype)
	named = [field.fieldname for field in meta.get_link_fields() if field.options == RELATION]
	return ["parent"] if meta.istable and not named else named


def excluded_relations(user: str, doctypes: list[str] | None = None) -> list[str]:
	"""Return, for each type of party document, the SELECT of the relations with a hidden document of this
	type.

	:param doctypes: only these types of party documents
	"""
	found = []
	for doctype in doctypes or sources():
		if hidden := user_permissions.excluded(doctype, user, "document"):
			found.append(_parents(doctype, hidden))
	return found


def fits(doctype: str, name: str, criterion: str) -> bool:
	"""Tell whether the stored row of a document meets a condition of lists; always if the condition is empty."""
	if not criterion:
		return True
	table = frappe.qb.DocType(doctype)
	query = frappe.qb.from_(table).select(table.name).where(table.name == name)
	return bool(query.where(MatchConditions(criterion.replace("%", "%%"))).run())


def _of_relations(user: str) -> str:
	"""Ask the party documents of one relation at a time: a page of a list looks at few relations, not at all documents."""
	if not get_user_permissions(user):
		return ""
	own = []
	if territories := user_permissions.names_allowed(TERRITORY, user, RELATION):
		own.append(f"not ifnull({user_permissions.outside('`tabRelation`.territory', territories)}, 0)")
	by_parties = _of_party_documents(user, " and ".join(own) or "1 = 1")
	if not (own or by_parties):
		return ""
	opened = [by_parties or own[0]]
	if shared := get_shared(RELATION, user):
		opened.append(f"`tabRelation`.name in ({_texts(shared)})")
	return "(" + " or ".join(opened) + ")"


def _of_party_documents(user: str, own: str) -> str:
	"""Return the condition on a relation's party documents; empty if no User Permission concerns them.

	One matching document opens the relation; otherwise one hidden document closes it.

	:param own: the condition on the relation itself if its documents decide nothing
	"""
	joins, hidden, fitting = [], [], []
	for number, doctype in enumerate(sources()):
		alias = f"document{number}"
		if not (criterion := user_permissions.excluded(doctype, user, alias)):
			continue
		joins.append(
			f" left join `tab{doctype}` {alias}"
			f" on party.party_type = {_texts([doctype])} and {alias}.name = party.party"
		)
		hidden.append(f"({alias}.name is not null and ({criterion}))")
		if criterion := user_permissions.allowed(doctype, user, alias):
			fitting.append(f"({alias}.name is not null and {criterion})")
	if not hidden:
		return ""
	opens = f" when {' or '.join(fitting)} then 2" if fitting else ""
	return (
		f"case ifnull((select max(case{opens} when {' or '.join(hidden)} then 1 else 0 end)"
		f" from `tab{PARTY}` party{''.join(joins)}"
		f" where party.parent = `tabRelation`.name and party.parenttype = '{RELATION}'), 0)"
		f" when 2 then 1 when 1 then 0 else ({own}) end = 1"
	)


def _of_rows(user: str, doctype: str) -> str:
	"""Return the condition that every relation named in a row is readable; a row without one is hidden from
	restricted users.
	"""
	readable, columns = _readable_relations(user), link_columns(doctype)
	if not columns:
		return " and ".join(_of_named_documents(user, doctype))
	return " and ".join(_names_readable(doctype, column, readable) for column in columns if readable)


def _names_readable(doctype: str, column: str, readable: str) -> str:
	"""Return the condition that a column names a readable relation.

	Not IN, which MariaDB answers by reading all relations first, even if the list is limited.
	"""
	return (
		f"ifnull((select 1 from `tabRelation` where `tabRelation`.name = `tab{doctype}`.`{column}`"
		f" and ({readable})), 0) = 1"
	)


def _of_named_documents(user: str, doctype: str) -> list[str]:
	"""Return conditions on rows without a relation that name any document: not a hidden relation or party
	document.

	Frappe's logs name documents of every app: only relations and what belongs to them count.
	"""
	hidden = {
		party: f"select document.name from `tab{party}` document where {condition_}"
		for party in (sources() if doctype not in LOGS else ())
		if (condition_ := user_permissions.excluded(party, user, "document"))
	}
	if readable := _readable_relations(user):
		hidden[RELATION] = f"select `tabRelation`.name from `tabRelation` where not ifnull(({readable}), 0)"
		for one in _following_relations() if doctype in LOGS else ():
			hidden[one] = (
				f"select `tab{one}`.name from `tab{one}` where not ifnull(({_of_rows(user, one)}), 0)"
			)
	return [
		f"not (ifnull(`tab{doctype}`.`{field.options}`, '') = {_texts([named])}"
		f" and `tab{doctype}`.`{field.fieldname}` in ({names}))"
		for field in frappe.get_meta(doctype).get_dynamic_link_fields()
		for named, names in hidden.items()
	]


def _following_relations() -> list[str]:
	"""Return our doctypes with a link to a relation."""
	ours = f"{__name__}.{may_read.__name__}"
	found = [name for name, paths in frappe.get_hooks("has_permission").items() if ours in paths]
	return [name for name in found if name not in (RELATION, *LOGS) and link_columns(name)]


def _readable_relations(user: str) -> str:
	"""Return the conditions of Frappe and ours on relations that the user lists; empty if none, NOTHING if no
	row is readable.
	"""
	if user == "Administrator":
		return ""
	if not get_role_permissions(frappe.get_meta(RELATION), user=user).get("read"):
		shared = get_shared(RELATION, user)
		return f"`tabRelation`.name in ({_texts(shared)})" if shared else NOTHING
	# Frappe escapes the percent signs for a driver that formats; conditions of lists are not formatted
	return build_match_conditions(RELATION, user=user).replace("%%", "%")


def _may_create(doc: Document, user: str) -> bool:
	allowed = user_permissions.names_allowed(TERRITORY, user, RELATION)
	return not (allowed and doc.get("territory")) or doc.territory in allowed


def _parents(doctype: str, criterion: str) -> str:
	return (
		f"select party.parent from `tab{PARTY}` party join `tab{doctype}` document on document.name = party.party"
		f" where party.parenttype = '{RELATION}' and party.party_type = {_texts([doctype])}"
		f" and party.parent is not null and ({criterion})"
	)


def _texts(values: list[str]) -> str:
	return ", ".join(frappe.db.escape(value, percent=False) for value in values)
