"""Let the database build each sub-query of a statement once. Writes temporary tables only.

The vouchers of campaigns are a sub-query that is joined to the ledger several times. MariaDB may build it
again for each row of the ledger ("lateral derived"). That is fast for a few rows. With two million ledger
rows it took minutes, where building it once takes a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import frappe
from frappe.query_builder import Table

from crm_relations.ledger.statements.queries import VOUCHERS, Scope, attributed_vouchers
from crm_relations.shared.temp_tables import in_memory


@contextmanager
def for_sums() -> Iterator[None]:
	"""Make the session materialize whole sub-queries in memory inside the block."""
	if frappe.db.db_type != "mariadb":
		yield
		return
	(before,) = frappe.db.sql("SELECT @@SESSION.optimizer_switch")[0]
	with in_memory():
		frappe.db.sql("SET SESSION optimizer_switch = 'split_materialized=off'")
		try:
			yield
		finally:
			frappe.db.sql("SET SESSION optimizer_switch = %s", (before,))


@contextmanager
def vouchers_once(scope: Scope) -> Iterator[Scope]:
	"""Put the attributed vouchers into a temporary table with a key inside the block.

	The yielded scope reads that table. Otherwise, seven queries of a statement would each group the whole
	attribution.

	A temporary table commits nothing. The comment in the statement keeps Frappe from treating it as one that
	commits. If the session is read-only, no table is created and the queries use the sub-query.
	"""
	if frappe.db.db_type != "mariadb" or frappe.flags.read_only or scope.vouchers_made:
		yield scope
		return
	frappe.db.sql("/* temporary */ DROP TEMPORARY TABLE IF EXISTS `relation_attributed_vouchers`")
	frappe.db.sql(
		"/* temporary */ CREATE TEMPORARY TABLE `relation_attributed_vouchers` (PRIMARY KEY (`voucher_no`))"
		" SELECT `voucher_no`, `campaign` FROM `tabRelation Attribution` LIMIT 0"
	)
	found = attributed_vouchers(scope).as_("found")
	try:
		into = frappe.qb.into(Table(VOUCHERS)).columns("voucher_no", "campaign")
		into.from_(found).select(found.voucher_no, found.campaign).run()
		yield replace(scope, vouchers_made=True)
	finally:
		frappe.db.sql("/* temporary */ DROP TEMPORARY TABLE IF EXISTS `relation_attributed_vouchers`")
