"""Serve the desk's calls for relations."""

import frappe
from frappe import _

from crm_relations.relations import actions, queries
from crm_relations.relations.identities import identity, parties, reassign
from crm_relations.relations.identities import sync as engine
from crm_relations.relations.network import graph, groups, link_types
from crm_relations.relations.party_documents.sources import sources
from crm_relations.relations.profiles import completeness
from crm_relations.relations.roles_and_stages import stages
from crm_relations.shared.refusals import filled


@frappe.whitelist(methods=["POST"])
def open_relation(doctype: str, name: str) -> str:
	"""Return the name of the relation of a party document; create it if the document has none yet."""
	frappe.has_permission(doctype, "read", doc=name, throw=True)
	frappe.has_permission("Relation", "read", throw=True)
	return identity.adopt(doctype, name)


@frappe.whitelist(methods=["GET", "POST"])
def links(relation: str) -> list[dict]:
	"""Return the relationships of a relation, seen from it, to those that the user may read: `reads`,
	`other`, dates.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return graph.links_of(relation)


@frappe.whitelist(methods=["GET", "POST"])
def profile_options(
	doctype: str,
	txt: str,
	searchfield: str,
	start: int,
	page_len: int,
	filters: dict | list | str | None = None,
) -> list[tuple[str, str]]:
	"""Search profile options for a Link field: (name, option), in the order set by the administrator."""
	frappe.has_permission("Relation Profile Option", "read", throw=True)
	filters = frappe.parse_json(filters) if isinstance(filters, str) else filters
	attribute = filters.get("attribute") if isinstance(filters, dict) else None
	return queries.profile_options(attribute, txt, start, page_len)


@frappe.whitelist(methods=["POST"])
def start_sync() -> str:
	"""Queue the creation of relations from existing records; return a message for the user."""
	frappe.only_for(["System Manager", "Relation Manager"])
	frappe.enqueue(
		sync_job,
		queue="long",
		timeout=4 * 60 * 60,
		job_id="crm_relations_sync",
		deduplicate=True,
		user=frappe.session.user,
	)
	return _("Relations are being created from existing records. You will be notified when this is done.")


def sync_job(user: str) -> None:
	"""Run the queued job; progress and result go to the user's desk."""
	title = _("Creating relations")

	def show(doctype: str, done: int, total: int) -> None:
		frappe.publish_progress(done * 100 / max(total, 1), title=title, description=_(doctype))

	report = engine.sync(on_progress=show).as_dict()
	message = filled(
		_("{0} documents read, {1} in relations, {2} rejected."),
		report["rows_in"],
		report["imported"],
		report["rejected"],
	)
	frappe.publish_realtime("msgprint", {"message": message, "alert": True}, user=user)


@frappe.whitelist(methods=["GET", "POST"])
def countable_fields() -> list[dict[str, str]]:
	"""Return `value` and `label` of the fields of Relation that can count towards its completeness."""
	frappe.has_permission("Relation Settings", "read", throw=True)
	return [{"value": df.fieldname, "label": _(df.label)} for df in completeness.countable_fields()]


@frappe.whitelist(methods=["GET", "POST"])
def relation_graph(relation: str, hops: int = 2) -> dict:
	"""Return `nodes` and `edges` up to two links away that the user may read, and `more` if not all are
	shown.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return graph.neighbourhood(relation, hops).as_dict()


@frappe.whitelist(methods=["GET", "POST"])
def company_group(relation: str) -> dict:
	"""Return the group of companies of a relation, with the figures of those that the user may read."""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return groups.overview(relation)


@frappe.whitelist(methods=["GET", "POST"])
def offered_link_types() -> list[dict]:
	"""Return each type in both directions: `value`, `outgoing`, `label`, and the `kinds` of the two ends as
	they read.
	"""
	frappe.has_permission("Relation Link Type", "read", throw=True)
	offered = []
	for found in link_types.all_types().values():
		if found.disabled:
			continue
		ends = (found.from_kind, found.to_kind)
		offered.append({"value": found.name, "outgoing": True, "label": _(found.link_type), "kinds": ends})
		if not found.symmetric:
			offered.append(
				{"value": found.name, "outgoing": False, "label": _(found.reverse_label), "kinds": ends[::-1]}
			)
	return offered


@frappe.whitelist(methods=["GET", "POST"])
def behind(relation: str) -> dict:
	"""Return the documents of a relation: `parties`, `addresses` and `contacts` that the user may read."""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return parties.behind(relation)


@frappe.whitelist(methods=["GET", "POST"])
def role_panel(relation: str) -> dict:
	"""Return what the form shows of roles and stages.

	These are `actions` that the user can run now, the `way` through the stages, and `days` by stage.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return {
		"actions": actions.offered(relation),
		"way": stages.way(relation),
		"days": stages.days(relation),
	}


@frappe.whitelist(methods=["GET", "POST"])
def action_choices() -> list[dict[str, str]]:
	"""Return `value` and `label` of all actions that a role type can show."""
	frappe.has_permission("Relation Role Type", "write", throw=True)
	return [{"value": label, "label": _(label)} for label in actions.declared()]


@frappe.whitelist(methods=["GET", "POST"])
def missing_fields(relation: str) -> list[str]:
	"""Return labels of the empty fields that count for the completeness of a relation and that the user may
	see.
	"""
	frappe.has_permission("Relation", "read", doc=relation, throw=True)
	return completeness.missing_of(relation)


@frappe.whitelist(methods=["POST"])
def place_document(doctype: str, name: str, relation: str | None = None) -> str:
	"""Link a party document to a relation, or detach it into its own; return the relation it belongs to now."""
	frappe.has_permission("Relation", "write", throw=True)
	frappe.has_permission(doctype, "read", doc=name, throw=True)
	for touched in {identity.relation_of(doctype, name), relation} - {None, ""}:
		frappe.has_permission("Relation", "write", doc=touched, throw=True)
	return reassign.reassign(doctype, name, relation or None)


@frappe.whitelist(methods=["GET", "POST"])
def party_doctypes() -> list[dict[str, str]]:
	"""Return `value` and `label` of the doctypes that relations are created from and that the user may read."""
	frappe.has_permission("Relation", "read", throw=True)
	return [{"value": name, "label": _(name)} for name in sources() if frappe.has_permission(name, "read")]
