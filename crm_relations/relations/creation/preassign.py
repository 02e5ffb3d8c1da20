"""Create a document for a relation so that it belongs to it from the first moment.

For documents that others create, adoption finds the relation. For our own we know it, so `Relation Party`
gets its row before the document is inserted, and adoption finds it there. Writes `Relation Party`, in
addition to adoption.
"""

import frappe
from frappe.model.document import Document
from frappe.utils import nowdate

from crm_relations.shared.access.system_fields import trusted


def insert_for_relation(relation: str, doc: Document) -> Document:
	"""Insert a new party document (Customer, Supplier …) as one of the relation's documents.

	:raises frappe.DoesNotExistError: no such relation
	"""
	doc.set_new_name()
	owner = frappe.get_doc("Relation", relation, for_update=True)
	owner.append("parties", {"party_type": doc.doctype, "party": doc.name, "since": nowdate()})
	owner.flags.ignore_links = True  # the document is inserted next
	owner.flags.adopted = True
	trusted(owner).save(ignore_permissions=True)
	return doc.insert(ignore_permissions=True)
