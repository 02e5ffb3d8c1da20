"""Set the status of campaign members that have bought. Sole setter of `Won`, through `campaigns.members`."""

from frappe.model.document import Document

from crm_relations.campaigns import queries
from crm_relations.campaigns.members import member_status
from crm_relations.shared.side_effects import deferrable


@deferrable
def mark_members(doc: Document) -> None:
	"""Members that the buyer is in the campaigns of the document's lines have won.

	A line of an invoice that was ordered counted with its order already. A cancelled order takes nothing back:
	a member may be won once.

	Where a relation went through a campaign more than once, the last enrollment has won.

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
