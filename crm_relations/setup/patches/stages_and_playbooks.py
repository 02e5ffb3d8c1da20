"""Stages get a log and role types a playbook: relations that are there keep their history, and the standard role
types get their actions."""

import frappe

from crm_relations.relations import actions, stages
from crm_relations.relations.sources import evidence


def execute() -> None:
	"""Mark derived roles, write the log of stages from them, and give each standard role type its actions.

	Commits in between; can be run again.
	"""
	standard = sorted({proof.role for proof in evidence()})
	role = frappe.qb.DocType("Relation Role")
	(frappe.qb.update(role).set(role.derived, 1).where(role.role.isin(standard) & (role.derived == 0))).run()
	frappe.db.commit()
	stages.fill()
	for name in standard:
		if frappe.db.exists("Relation Role Type", name):
			_give_actions(name)


def _give_actions(name: str) -> None:
	doc = frappe.get_doc("Relation Role Type", name)
	if not doc.get("actions"):
		doc.extend("actions", [{"action": label} for label in actions.labels_for(name)])
		doc.save(ignore_permissions=True)
