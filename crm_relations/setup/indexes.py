"""Indexes over several columns and unique keys, which a doctype's JSON cannot declare."""

import frappe

#: doctype → columns, name of the unique key
UNIQUE = (
	("Relation Party", ["party_type", "party"], "unique_party"),
	("Relation Campaign Member", ["campaign", "relation"], "unique_member"),
	("Relation Campaign Send", ["step", "member"], "unique_step_member"),
	("Relation Import Record", ["source", "file_name", "row_key"], "unique_row"),
	("Relation Attribution", ["voucher_detail_no", "campaign"], "unique_line_campaign"),
)
INDEXES = (
	("Relation Segment Member", ["segment", "left_on", "relation"], "segment_left_relation"),
	("Relation Role", ["role", "until", "parent"], "role_until_parent"),
	("Relation Consent", ["address_key", "channel", "purpose", "given_at"], "address_channel_purpose"),
	("Relation Campaign Send", ["campaign", "state", "due_on"], "campaign_state_due"),
	("Relation Attribution", ["company", "posting_date", "campaign"], "company_date_campaign"),
	("Relation Interaction", ["relation", "happened_on"], "relation_happened_on"),
)


def create() -> None:
	"""Create what is missing; both calls pass over an index that is there."""
	for doctype, columns, name in UNIQUE:
		frappe.db.add_unique(doctype, columns, constraint_name=name)
	for doctype, columns, name in INDEXES:
		frappe.db.add_index(doctype, columns, index_name=name)
