"""Create indexes over several columns and unique keys, which a doctype's JSON cannot declare.

The SQL is written out. Frappe's `add_unique` looks for the key's name in all databases of the server, so that
a second site on the same server would not get it. We check the table itself.
"""

import re
from collections import defaultdict

import frappe

#: On ERPNext's own tables, so that the facts read these columns and not the wide rows: with the keys,
#: grouping two million invoice lines by customer took a tenth of the time. Removed when the app is
#: uninstalled.
ON_ERPNEXT = (
	(
		"Sales Invoice",
		"relation_facts",
		"ALTER TABLE `tabSales Invoice` ADD INDEX `relation_facts` (`customer`, `company`, `docstatus`,"
		" `posting_date`, `is_return`, `is_debit_note`, `is_opening`, `represents_company`, `base_net_total`,"
		" `base_grand_total`)",
		"ALTER TABLE `tabSales Invoice` DROP INDEX `relation_facts`",
	),
	(
		"Sales Invoice Item",
		"relation_facts",
		"ALTER TABLE `tabSales Invoice Item` ADD INDEX `relation_facts` (`parent`, `item_group`, `sales_order`,"
		" `dn_detail`, `base_net_amount`, `incoming_rate`, `stock_qty`)",
		"ALTER TABLE `tabSales Invoice Item` DROP INDEX `relation_facts`",
	),
	(
		# buyers of a brand and their amounts: without it all lines were read (1.3 s instead of 7 for 5
		# million)
		"Sales Invoice Item",
		"relation_segments",
		"ALTER TABLE `tabSales Invoice Item` ADD INDEX `relation_segments` (`brand`, `parent`, `base_net_amount`,"
		" `stock_qty`)",
		"ALTER TABLE `tabSales Invoice Item` DROP INDEX `relation_segments`",
	),
	(
		# unsubscribed contacts, before each message: Frappe has no key on the addresses of contacts
		"Contact Email",
		"relation_email",
		"ALTER TABLE `tabContact Email` ADD INDEX `relation_email` (`email_id`, `parent`)",
		"ALTER TABLE `tabContact Email` DROP INDEX `relation_email`",
	),
	(
		# the ledger of a company and the rows of a voucher by account, for the statement, without reading the
		# wide rows: a fifth of the time for a voucher, half for the whole ledger
		"GL Entry",
		"relation_ledger",
		"ALTER TABLE `tabGL Entry` ADD INDEX `relation_ledger` (`company`, `voucher_no`, `voucher_type`, `account`,"
		" `voucher_detail_no`, `is_cancelled`, `posting_date`, `debit`, `credit`)",
		"ALTER TABLE `tabGL Entry` DROP INDEX `relation_ledger`",
	),
	(
		"Sales Order",
		"relation_facts",
		"ALTER TABLE `tabSales Order` ADD INDEX `relation_facts` (`customer`, `company`, `docstatus`,"
		" `transaction_date`)",
		"ALTER TABLE `tabSales Order` DROP INDEX `relation_facts`",
	),
	(
		"Payment Ledger Entry",
		"relation_facts",
		"ALTER TABLE `tabPayment Ledger Entry` ADD INDEX `relation_facts` (`party_type`, `account_type`,"
		" `party`, `company`, `against_voucher_no`, `delinked`, `posting_date`, `due_date`, `amount`)",
		"ALTER TABLE `tabPayment Ledger Entry` DROP INDEX `relation_facts`",
	),
)

#: doctype, name of the key, SQL
STATEMENTS = (
	*(row[:3] for row in ON_ERPNEXT),
	(
		"Relation Facts",
		"unique_relation_company",
		"ALTER TABLE `tabRelation Facts` ADD UNIQUE KEY `unique_relation_company` (`relation`, `company`)",
	),
	(
		"Relation Facts Item Group",
		"relation_company",
		"ALTER TABLE `tabRelation Facts Item Group` ADD INDEX `relation_company` (`relation`, `company`)",
	),
	(
		"Relation Facts Item Group",
		"group_company_relation",
		"ALTER TABLE `tabRelation Facts Item Group`"
		" ADD INDEX `group_company_relation` (`item_group`, `company`, `relation`)",
	),
	(
		"Relation Blocking Key",
		"value_relation",
		"ALTER TABLE `tabRelation Blocking Key` ADD INDEX `value_relation` (`value`, `relation`)",
	),
	(
		"Relation Duplicate",
		"unique_pair",
		"ALTER TABLE `tabRelation Duplicate` ADD UNIQUE KEY `unique_pair` (`relation`, `other`)",
	),
	(
		"Relation Party",
		"unique_party",
		"ALTER TABLE `tabRelation Party` ADD UNIQUE KEY `unique_party` (`party_type`, `party`)",
	),
	(
		"Relation Campaign Member",
		"unique_enrollment",
		"ALTER TABLE `tabRelation Campaign Member`"
		" ADD UNIQUE KEY `unique_enrollment` (`campaign`, `relation`, `enrollment_no`)",
	),
	(
		"Relation Campaign Send",
		"unique_step_member",
		"ALTER TABLE `tabRelation Campaign Send` ADD UNIQUE KEY `unique_step_member` (`step`, `member`)",
	),
	(
		"Relation Import Record",
		"unique_row",
		"ALTER TABLE `tabRelation Import Record` ADD UNIQUE KEY `unique_row` (`source`, `file_name`, `row_key`)",
	),
	(
		"Relation Attribution",
		"unique_line_campaign",
		"ALTER TABLE `tabRelation Attribution`"
		" ADD UNIQUE KEY `unique_line_campaign` (`voucher_detail_no`, `campaign`)",
	),
	(
		# all that the statement reads of an attributed voucher: without it 400,000 wide rows were read and
		# sorted for each query
		"Relation Attribution",
		"relation_vouchers",
		"ALTER TABLE `tabRelation Attribution` ADD INDEX `relation_vouchers` (`company`, `voucher_no`,"
		" `voucher_detail_no`, `campaign`, `account`, `posting_date`, `is_return`, `amount`)",
	),
	(
		"Relation Segment Member",
		"segment_left_relation",
		"ALTER TABLE `tabRelation Segment Member`"
		" ADD INDEX `segment_left_relation` (`segment`, `left_on`, `relation`)",
	),
	(
		"Relation Role",
		"role_until_parent",
		"ALTER TABLE `tabRelation Role` ADD INDEX `role_until_parent` (`role`, `until`, `parent`)",
	),
	(
		"Relation Started Activity",
		"activity_started_at",
		"ALTER TABLE `tabRelation Started Activity`"
		" ADD INDEX `activity_started_at` (`activity`, `started_at`)",
	),
	(
		"Relation Consent",
		"address_channel_purpose",
		"ALTER TABLE `tabRelation Consent`"
		" ADD INDEX `address_channel_purpose` (`address_key`, `channel`, `purpose`, `given_at`)",
	),
	(
		"Relation Campaign Send",
		"claim",
		"ALTER TABLE `tabRelation Campaign Send`"
		" ADD INDEX `claim` (`campaign`, `state`, `step_type`, `worker`, `due_on`)",
	),
	(
		"Relation Campaign Send",
		"worker_state",
		"ALTER TABLE `tabRelation Campaign Send` ADD INDEX `worker_state` (`worker`, `state`)",
	),
	(
		"Relation Campaign Send",
		"recipient_sent",
		"ALTER TABLE `tabRelation Campaign Send` ADD INDEX `recipient_sent` (`recipient`, `sent_at`)",
	),
	(
		"Relation Attribution",
		"company_date_campaign",
		"ALTER TABLE `tabRelation Attribution`"
		" ADD INDEX `company_date_campaign` (`company`, `posting_date`, `campaign`)",
	),
	(
		"Relation Interaction",
		"relation_happened_on",
		"ALTER TABLE `tabRelation Interaction` ADD INDEX `relation_happened_on` (`relation`, `happened_on`)",
	),
)


def create() -> None:
	"""Create the missing keys, and drop those that others have replaced; existing keys stay."""
	for doctype, name, statement in STATEMENTS:
		if not frappe.db.has_index(f"tab{doctype}", name):
			frappe.db.sql_ddl(statement)


def drop_on_erpnext() -> None:
	"""Drop our keys on ERPNext's tables; a foreign one with the same name and other columns stays."""
	_drop_ours(ON_ERPNEXT)


def foreign() -> list[tuple[str, str]]:
	"""Return (doctype, name) of keys on ERPNext's tables that have our name and other columns."""
	there = _existing()
	return [
		(doctype, name)
		for doctype, name, add, _drop in ON_ERPNEXT
		if there.get((doctype, name)) not in (None, _columns(add))
	]


def _drop_ours(keys: tuple[tuple[str, str, str, str], ...]) -> None:
	there = _existing()
	for doctype, name, add, drop in keys:
		if there.get((doctype, name)) == _columns(add):
			frappe.db.sql_ddl(drop)


def _existing() -> dict[tuple[str, str], list[str]]:
	"""Return (doctype, name) → ordered columns of the keys on ERPNext's tables that have one of our names."""
	keys = frappe.qb.Schema("information_schema").statistics
	rows = (
		frappe.qb.from_(keys)
		.select(keys.table_name, keys.index_name, keys.column_name)
		.where(keys.table_schema == frappe.conf.db_name)
		.where(keys.table_name.isin(sorted({f"tab{row[0]}" for row in ON_ERPNEXT})))
		.where(keys.index_name.isin(sorted({row[1] for row in ON_ERPNEXT})))
		.orderby(keys.table_name, keys.index_name, keys.seq_in_index)
		.run()
	)
	found: dict[tuple[str, str], list[str]] = defaultdict(list)
	for table, name, column in rows:
		found[table.removeprefix("tab"), name].append(column)
	return dict(found)


def _columns(statement: str) -> list[str]:
	"""Return the columns that an ADD INDEX statement names."""
	return re.findall(r"`(\w+)`", statement[statement.index("(") :])
