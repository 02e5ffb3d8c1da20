"""Set the status of campaign members that have bought.

Sets `Won` through `campaigns.members`; writes nothing itself.
"""

from frappe.model.document import Document

from crm_relations.campaigns import queries
from crm_relations.campaigns.members import member_status
from crm_relations.shared.side_effects import deferrable


@deferrable
def mark_members(doc: Document) -> None:
	"""Set the buyer's members in the campaigns of the document's lines to Won.

	The line of an ordered invoice counted with its order. A cancelled order changes no status, because a
	member may win once. If a relation was enrolled in a campaign more than once, the last enrollment wins.

	:param doc: a submitted Sales Order or Sales Invoice
	"""
	if not doc.get("relation") or doc.get("is_return"):
		return
	campaigns = {
		row.relation_campaign
		for row in doc.items
		if row.get("relation_campaign") and not row.get("so_detail")
	}
	if not campaigns:
		return
	for member in sorted(queries.last_passages(doc.relation, sorted(campaigns)).values()):
		member_status.win(member)
