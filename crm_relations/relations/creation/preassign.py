"""A document that is made for a relation: it belongs to it from the first moment on.

Adoption finds out whose a document is when somebody else made it. Where we make it ourselves, we know; it is
entered in the relation before it is inserted, so that adoption finds it there. Besides adoption this file alone
inserts `Relation Party`.
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
