"""Generate a shop by SQL: customers with relations, invoices, credit notes, orders, payments and quotations
of five years.

Few customers buy much and most buy little; each buys from three item groups. One invoice in twenty is a
credit note, one in fifty is cancelled, half of them are created from an order, one in thirteen is not paid.
Every document carries the mark in its name, or belongs to a document that does, so that it can be removed.
"""

from collections.abc import Callable
from time import perf_counter

import frappe
from frappe.utils import nowdate

from crm_relations.ledger.statements.statement import company_or_default

MARK = "BF-"
ITEM_LINES = 4
DAYS = 5 * 365
TABLES = (
	"Customer",
	"Relation",
	"Relation Party",
	"Sales Invoice",
	"Sales Invoice Item",
	"Sales Order",
	"Payment Ledger Entry",
	"Quotation",
)
STAMP = "NOW(), NOW(), 'Administrator'"
COLUMNS = "name, creation, modified, owner"


class Shop:
	"""A number of customers and invoices, with four lines on each invoice."""

	def __init__(self, customers: int, invoices: int):
		self.customers = customers
		self.invoices = invoices
		company = company_or_default()
		self.values = {
			"company": company,
			"debtors": frappe.get_cached_value("Company", company, "default_receivable_account"),
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"today": nowdate(),
			"customers": customers,
			"invoices": invoices,
		}

	def load(self, say: Callable[[str], None]) -> None:
		"""Insert the rows that do not exist yet; committed."""
		there = frappe.db.sql("SELECT COUNT(*) FROM `tabSales Invoice` WHERE name LIKE 'BF-SI-%'")[0][0]
		if there == self.invoices:
			say(f"{there} invoices are there already")
			return
		if there:
			self.remove(say)
		for label, statement in self.statements():
			start = perf_counter()
			frappe.db.sql(statement, self.values)
			frappe.db.commit()
			say(f"{label}: {perf_counter() - start:.0f} s")
		for table in TABLES:
			frappe.db.sql(f"ANALYZE TABLE `tab{table}`")

	def remove(self, say: Callable[[str], None]) -> None:
		"""Remove the generated rows and their figures."""
		for label, statement in (
			(
				"facts",
				"DELETE FROM `tabRelation Facts` WHERE relation IN (SELECT parent FROM `tabRelation Party` WHERE party LIKE 'BF-C-%%')",
			),
			(
				"facts by item group",
				"DELETE FROM `tabRelation Facts Item Group` WHERE relation IN (SELECT parent FROM `tabRelation Party` WHERE party LIKE 'BF-C-%%')",
			),
			(
				"relations",
				"DELETE FROM `tabRelation` WHERE name IN (SELECT parent FROM `tabRelation Party` WHERE party LIKE 'BF-C-%%')",
			),
			(
				"parties",
				"DELETE FROM `tabRelation Party` WHERE party_type = 'Customer' AND party LIKE 'BF-C-%%'",
			),
			("lines", "DELETE FROM `tabSales Invoice Item` WHERE parent LIKE 'BF-SI-%%'"),
			("invoices", "DELETE FROM `tabSales Invoice` WHERE name LIKE 'BF-SI-%%'"),
			("orders", "DELETE FROM `tabSales Order` WHERE name LIKE 'BF-SO-%%'"),
			("quotations", "DELETE FROM `tabQuotation` WHERE name LIKE 'BF-QTN-%%'"),
			(
				"ledger",
				"DELETE FROM `tabPayment Ledger Entry` WHERE party_type = 'Customer' AND party LIKE 'BF-C-%%'",
			),
			("customers", "DELETE FROM `tabCustomer` WHERE name LIKE 'BF-C-%%'"),
		):
			start = perf_counter()
			frappe.db.sql(statement, {})
			frappe.db.commit()
			say(f"{label} taken away: {perf_counter() - start:.0f} s")

	def statements(self) -> list[tuple[str, str]]:
		"""Return the statements in order.

		MariaDB's sequence engine counts; RAND with a seed is the same in every run.
		"""
		customers = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{self.customers}) c"
		invoices = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{self.invoices}) i"
		quotations = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{max(1, self.invoices // 8)}) q"
		lines = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_{ITEM_LINES}) l"
		number = "CAST(SUBSTR(si.name, 7) AS INT)"
		sign = "IF(si.is_return = 1, -1, 1)"
		day = f"DATE_SUB(%(today)s, INTERVAL ({DAYS} - FLOOR({DAYS} * i.n / %(invoices)s)) DAY)"
		return [
			(
				"customers",
				f"""INSERT INTO `tabCustomer` ({COLUMNS}, customer_name, customer_type)
				SELECT CONCAT('BF-C-', c.n), {STAMP}, CONCAT('Benchmark ', c.n), 'Company' FROM {customers}""",
			),
			(
				"relations",
				f"""INSERT INTO `tabRelation` ({COLUMNS}, relation_name, relation_kind)
				SELECT CONCAT('BF-R-', LEFT(MD5(c.n), 8), c.n), {STAMP}, CONCAT('Benchmark ', c.n), 'Organisation'
				FROM {customers}""",
			),
			(
				"parties",
				f"""INSERT INTO `tabRelation Party`
					({COLUMNS}, parent, parenttype, parentfield, idx, party_type, party, since)
				SELECT CONCAT('BF-P-', LEFT(MD5(c.n + 7), 8), c.n), {STAMP}, CONCAT('BF-R-', LEFT(MD5(c.n), 8), c.n),
					'Relation', 'parties', 1, 'Customer', CONCAT('BF-C-', c.n), %(today)s
				FROM {customers}""",
			),
			(
				"invoices",
				f"""INSERT INTO `tabSales Invoice` ({COLUMNS}, docstatus, customer, customer_name, company, posting_date,
					due_date, is_return, is_opening, currency, conversion_rate, base_net_total, net_total,
					base_grand_total, grand_total, status, debit_to, address_display, shipping_address, terms)
				SELECT CONCAT('BF-SI-', LPAD(i.n, 7, '0')), {STAMP}, IF(i.n MOD 50 = 0, 2, 1),
					CONCAT('BF-C-', 1 + FLOOR(%(customers)s * POW(RAND(i.n), 1.7))), 'Benchmark', %(company)s, {day},
					DATE_ADD({day}, INTERVAL 30 DAY), i.n MOD 20 = 7, 'No', %(currency)s, 1,
					{ITEM_LINES} * IF(i.n MOD 20 = 7, -1, 1) * (1 + i.n MOD 5) * (10 + i.n MOD 97),
					{ITEM_LINES} * IF(i.n MOD 20 = 7, -1, 1) * (1 + i.n MOD 5) * (10 + i.n MOD 97),
					1.19 * {ITEM_LINES} * IF(i.n MOD 20 = 7, -1, 1) * (1 + i.n MOD 5) * (10 + i.n MOD 97),
					1.19 * {ITEM_LINES} * IF(i.n MOD 20 = 7, -1, 1) * (1 + i.n MOD 5) * (10 + i.n MOD 97),
					'Paid', %(debtors)s, REPEAT('Musterstraße 1, 50667 Köln ', 4),
					REPEAT('Musterstraße 1, 50667 Köln ', 4), REPEAT('Zahlbar in 30 Tagen ohne Abzug. ', 6)
				FROM {invoices}""",
			),
			(
				"lines",
				f"""INSERT INTO `tabSales Invoice Item` ({COLUMNS}, docstatus, parent, parenttype, parentfield, idx,
					item_code, item_name, description, item_group, qty, stock_qty, uom, stock_uom, conversion_factor,
					rate, base_rate, base_net_amount, incoming_rate, income_account, expense_account, cost_center,
					warehouse, sales_order, so_detail)
				SELECT CONCAT('BF-L-', LEFT(MD5(si.name), 12), l.n), {STAMP}, 1, si.name, 'Sales Invoice', 'items', l.n,
					CONCAT('BF-ITEM-', 1 + ({number} * 7 + l.n * 13) MOD 2000), 'Benchmark Artikel',
					REPEAT('Eine Beschreibung des Artikels. ', 5),
					CONCAT('BF Group ', 1 + (CAST(SUBSTR(si.customer, 6) AS INT) * 7 + (l.n MOD 3) * 11) MOD 40),
					{sign} * (1 + {number} MOD 5), {sign} * (1 + {number} MOD 5), 'Nos', 'Nos', 1,
					10 + {number} MOD 97, 10 + {number} MOD 97, {sign} * (1 + {number} MOD 5) * (10 + {number} MOD 97),
					IF(l.n = 2, 0, 7 + {number} MOD 60), '4400 - Erlöse', '5000 - Aufwand', 'Haupt', 'Lager',
					IF({number} MOD 2 = 0, REPLACE(si.name, 'SI', 'SO'), NULL),
					IF({number} MOD 2 = 0, LEFT(MD5({number} + l.n), 10), NULL)
				FROM `tabSales Invoice` si JOIN {lines} WHERE si.name LIKE 'BF-SI-%%'""",
			),
			(
				"orders",
				f"""INSERT INTO `tabSales Order` ({COLUMNS}, docstatus, customer, customer_name, company,
					transaction_date, currency, base_net_total, status, address_display, terms)
				SELECT REPLACE(si.name, 'SI', 'SO'), {STAMP}, 1, si.customer, si.customer_name, si.company,
					DATE_SUB(si.posting_date, INTERVAL 3 DAY), si.currency, si.base_net_total, 'Completed',
					si.address_display, si.terms
				FROM `tabSales Invoice` si
				WHERE si.name LIKE 'BF-SI-%%' AND {number} MOD 2 = 0 AND si.is_return = 0""",
			),
			(
				"receivables",
				self.ledger("Sales Invoice", "si.name", "si.base_grand_total", "0", "si.docstatus = 1"),
			),
			(
				"payments",
				self.ledger(
					"Payment Entry",
					"REPLACE(si.name, 'SI', 'PE')",
					"-si.base_grand_total",
					"25",
					f"si.docstatus = 1 AND {number} MOD 13 <> 0"
					" AND si.posting_date < DATE_SUB(%(today)s, INTERVAL 80 DAY)",
				),
			),
			(
				"quotations",
				f"""INSERT INTO `tabQuotation` ({COLUMNS}, docstatus, quotation_to, party_name, company,
					transaction_date, valid_till, base_net_total, status)
				SELECT CONCAT('BF-QTN-', q.n), {STAMP}, 1, 'Customer',
					CONCAT('BF-C-', 1 + FLOOR(%(customers)s * RAND(q.n + 5))), %(company)s,
					DATE_SUB(%(today)s, INTERVAL q.n MOD 700 DAY), DATE_ADD(%(today)s, INTERVAL 30 - q.n MOD 700 DAY),
					500 + q.n MOD 1000, IF(q.n MOD 5 = 0, 'Open', IF(q.n MOD 5 < 3, 'Ordered', 'Expired'))
				FROM {quotations}""",
			),
		]

	def ledger(self, voucher_type: str, voucher: str, amount: str, days: str, where: str) -> str:
		"""Return the statement for payment ledger entries against the invoices."""
		due = "si.due_date" if voucher_type == "Sales Invoice" else "NULL"
		return f"""INSERT INTO `tabPayment Ledger Entry` ({COLUMNS}, docstatus, posting_date, company, account_type,
				account, party_type, party, voucher_type, voucher_no, against_voucher_type, against_voucher_no,
				amount, amount_in_account_currency, account_currency, due_date)
			SELECT CONCAT('BF-E-', LEFT(MD5({voucher}), 14)), {STAMP}, 1, DATE_ADD(si.posting_date, INTERVAL {days} DAY),
				si.company, 'Receivable', si.debit_to, 'Customer', si.customer, '{voucher_type}', {voucher},
				'Sales Invoice', si.name, {amount}, {amount}, si.currency, {due}
			FROM `tabSales Invoice` si WHERE si.name LIKE 'BF-SI-%%' AND {where}"""
