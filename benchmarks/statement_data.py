"""Generate accounting data by SQL: invoices of four lines, their ledger rows, payments, and attribution.

One invoice in twenty is a credit note, one in fifty is cancelled, a fifth is not paid, and one payment in
forty has a deduction. Two invoices in five are attributed: one of forty of these belongs to two campaigns,
and one in ten was attributed by rule. The rest of the ledger are unrelated journal entries. Every voucher
balances, and the attributed amounts equal the posted ones. Everything carries the mark in its name and can be
removed.
"""

from collections.abc import Callable
from time import perf_counter

import frappe
from frappe.utils import nowdate

from crm_relations.demo.company import account
from crm_relations.ledger.statements.statement import company_or_default

LINES = 4
CAMPAIGNS = 20
DAYS = 5 * 365
CHUNK = 100_000
STAMP = "NOW(), NOW(), 'Administrator'"
COLUMNS = "name, creation, modified, owner"
GL = (
	f"{COLUMNS}, docstatus, posting_date, company, account, party_type, party, debit, credit,"
	" debit_in_account_currency, credit_in_account_currency, account_currency, voucher_type, voucher_no, against,"
	" cost_center, fiscal_year, is_opening, remarks, is_cancelled"
)
PLE = (
	f"{COLUMNS}, docstatus, posting_date, due_date, company, account_type, account, party_type, party, voucher_type,"
	" voucher_no, against_voucher_type, against_voucher_no, amount, amount_in_account_currency, account_currency, delinked"
)
MADE = (
	"GL Entry",
	"Payment Ledger Entry",
	"Relation Attribution",
	"Sales Taxes and Charges",
	"Sales Invoice Item",
	"Sales Invoice",
	"Relation Campaign",
)

# properties of an invoice by its number: SQL over c.n, and over line.l for a line
DAY = f"DATE_SUB(%(today)s, INTERVAL ({DAYS} - FLOOR({DAYS} * c.n / %(invoices)s)) DAY)"
SIGN = "IF(c.n MOD 20 = 7, -1, 1)"
CANCELLED = "(c.n MOD 50 = 0)"
ATTRIBUTED = "(c.n MOD 5 IN (1, 2) AND NOT c.n MOD 50 = 0)"
PAID = "(c.n MOD 5 <> 3 AND c.n MOD 20 <> 7 AND c.n MOD 50 <> 0)"
DEDUCTED = "(c.n MOD 40 = 11)"
INVOICE = "CONCAT('BL-I-', LPAD(c.n, 8, '0'))"
PAYMENT = "CONCAT('BL-P-', LPAD(c.n, 8, '0'))"
CUSTOMER = "CONCAT('BL-C-', LPAD(c.n * 7919 MOD 20000, 6, '0'))"


def _net(line: str) -> str:
	"""Return SQL for the net amount of a line, in whole euros."""
	return f"({SIGN} * (10 + (c.n * 7 + {line} * 31) MOD 190))"


def _two(first: int) -> str:
	return f"({_net(str(first))} + {_net(str(first + 1))})"


NET = f"({_two(1)} + {_two(3)})"
GROSS = f"ROUND(1.19 * {NET}, 2)"
#: the campaign of a line: one in a hundred invoices has two
CAMPAIGN = f"CONCAT('BL Campaign ', LPAD((c.n DIV 5 + IF(c.n MOD 100 = 1 AND line.l > 2, 1, 0)) MOD {CAMPAIGNS}, 2, '0'))"


class Books:
	"""A number of ledger rows and of invoice lines, with four lines on each invoice."""

	def __init__(self, ledger_rows: int, lines: int):
		self.ledger_rows, self.invoices = ledger_rows, lines // LINES
		company = company_or_default()
		self.values = {
			"company": company,
			"center": frappe.get_cached_value("Company", company, "cost_center"),
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"debtors": frappe.get_cached_value("Company", company, "default_receivable_account"),
			"today": nowdate(),
			"invoices": self.invoices,
			**{
				name: account(company, number)
				for name, number in (
					("one", "4400"),
					("two", "4300"),
					("tax", "3806"),
					("bank", "1800"),
					("charge", "6855"),
					("expense", "6300"),
				)
			},
		}

	def load(self, say: Callable[[str], None]) -> None:
		"""Insert the rows, unless they exist; committed chunk by chunk."""
		if self._is_there():
			say("the books are there already")
			return
		self.remove(say)
		for number in range(CAMPAIGNS):
			name = f"BL Campaign {number:02}"
			doc = frappe.get_doc({"doctype": "Relation Campaign", "name": name, "campaign_name": name})
			doc.db_insert()
		frappe.db.sql("SET SESSION unique_checks = 0, foreign_key_checks = 0")
		for label, statement, total in self.statements():
			start = perf_counter()
			for low in range(1, total + 1, CHUNK):
				high = min(total, low + CHUNK - 1)
				numbers = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_{low}_to_{high}) c"
				frappe.db.sql(statement.replace("{numbers}", numbers), self.values)
				frappe.db.commit()
			say(f"{label}: {perf_counter() - start:.0f} s")
		frappe.db.sql("SET SESSION unique_checks = 1, foreign_key_checks = 1")
		for doctype in MADE:
			frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")

	def remove(self, say: Callable[[str], None]) -> None:
		for doctype in MADE:
			deleted = 0
			while True:
				frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE 'BL%%' LIMIT {CHUNK}", {})
				found = frappe.db._cursor.rowcount
				frappe.db.commit()
				deleted += found
				if found < CHUNK:
					break
			if deleted:
				say(f"{deleted} of {doctype} taken away")

	def _is_there(self) -> bool:
		rows = frappe.db.sql("SELECT COUNT(*) FROM `tabGL Entry` WHERE name LIKE 'BL%%'", {})[0][0]
		lines = frappe.db.sql("SELECT COUNT(*) FROM `tabSales Invoice Item` WHERE name LIKE 'BL%%'", {})[0][0]
		return rows >= self.ledger_rows and lines == self.invoices * LINES

	def statements(self) -> list[tuple[str, str, int]]:
		"""Return label, INSERT … SELECT over the numbers c.n, and the count of numbers."""
		lines = f"JOIN (SELECT CAST(seq AS SIGNED) AS l FROM seq_1_to_{LINES}) line"
		rows = [
			self._gl("receivable", "D", "%(debtors)s", GROSS, True),
			self._gl("income", "A", "%(one)s", f"-{_two(1)}"),
			self._gl("more income", "B", "%(two)s", f"-{_two(3)}"),
			self._gl("tax", "T", "%(tax)s", f"-ROUND(0.19 * {NET}, 2)"),
			self._gl("bank", "E", "%(bank)s", f"({GROSS} - {DEDUCTED})", of_payment=True),
			self._gl("paid", "F", "%(debtors)s", f"-{GROSS}", True, of_payment=True),
			self._gl("deductions", "G", "%(charge)s", "1", of_payment=True, where=DEDUCTED),
		]
		numbers = range(1, self.invoices + 1)
		paid = [n for n in numbers if n % 5 != 3 and n % 20 != 7 and n % 50]
		made = 4 * self.invoices + 2 * len(paid) + sum(n % 40 == 11 for n in paid)
		journals = max(0, -(-(self.ledger_rows - made) // 2))
		return [
			(
				"invoices",
				f"""INSERT INTO `tabSales Invoice` ({COLUMNS}, docstatus, customer, customer_name, company, posting_date,
				due_date, is_return, currency, conversion_rate, base_net_total, base_grand_total, debit_to, status, is_opening)
				SELECT {INVOICE}, {STAMP}, IF({CANCELLED}, 2, 1), {CUSTOMER}, 'Benchmark', %(company)s, {DAY},
				DATE_ADD({DAY}, INTERVAL 30 DAY), c.n MOD 20 = 7, %(currency)s, 1, {NET}, {GROSS}, %(debtors)s, 'Paid', 'No'
				FROM {{numbers}}""",
				self.invoices,
			),
			(
				"lines",
				f"""INSERT INTO `tabSales Invoice Item` ({COLUMNS}, docstatus, parent, parenttype, parentfield, idx,
				item_code, item_name, description, qty, rate, discount_amount, base_net_amount, income_account, expense_account,
				cost_center, relation_campaign)
				SELECT CONCAT('BL-L-', LPAD(c.n, 8, '0'), '-', line.l), {STAMP}, IF({CANCELLED}, 2, 1), {INVOICE},
				'Sales Invoice', 'items', line.l, CONCAT('BL-ITEM-', c.n MOD 500), 'Artikel', REPEAT('Beschreibung ', 5), {SIGN},
				ABS({_net("line.l")}), c.n MOD 3, {_net("line.l")}, IF(line.l < 3, %(one)s, %(two)s), %(expense)s, %(center)s,
				IF({ATTRIBUTED} AND c.n MOD 10 <> 2, {CAMPAIGN}, NULL)
				FROM {{numbers}} {lines}""",
				self.invoices,
			),
			(
				"taxes",
				f"""INSERT INTO `tabSales Taxes and Charges` ({COLUMNS}, parent, parenttype, parentfield, idx, charge_type,
				account_head, rate, base_tax_amount, base_tax_amount_after_discount_amount)
				SELECT CONCAT('BL-T-', LPAD(c.n, 8, '0')), {STAMP}, {INVOICE}, 'Sales Invoice', 'taxes', 1, 'On Net Total',
				%(tax)s, 19, ROUND(0.19 * {NET}, 2), ROUND(0.19 * {NET}, 2) FROM {{numbers}}""",
				self.invoices,
			),
			(
				"attribution",
				f"""INSERT INTO `tabRelation Attribution` ({COLUMNS}, campaign, relation, company, voucher_type, voucher_no,
				voucher_detail_no, posting_date, account, item_code, share, amount, is_return, rule, evidence)
				SELECT CONCAT('BL', LPAD(c.n, 8, '0'), '-', line.l), {STAMP}, {CAMPAIGN}, CONCAT('R', {CUSTOMER}), %(company)s,
				'Sales Invoice', {INVOICE}, CONCAT('BL-L-', LPAD(c.n, 8, '0'), '-', line.l), {DAY},
				IF(line.l < 3, %(one)s, %(two)s), CONCAT('BL-ITEM-', c.n MOD 500), 1, {_net("line.l")}, c.n MOD 20 = 7,
				IF(c.n MOD 10 = 2, 'Linear', 'Document Chain'), '{{}}'
				FROM {{numbers}} {lines} WHERE {ATTRIBUTED}""",
				self.invoices,
			),
			(
				"receivables",
				f"""INSERT INTO `tabPayment Ledger Entry` ({PLE})
				SELECT CONCAT('BL-R-', LPAD(c.n, 8, '0')), {STAMP}, 1, {DAY}, DATE_ADD({DAY}, INTERVAL 30 DAY), %(company)s,
				'Receivable', %(debtors)s, 'Customer', {CUSTOMER}, 'Sales Invoice', {INVOICE}, 'Sales Invoice', {INVOICE},
				{GROSS}, {GROSS}, %(currency)s, {CANCELLED} FROM {{numbers}}""",
				self.invoices,
			),
			(
				"payments",
				f"""INSERT INTO `tabPayment Ledger Entry` ({PLE})
				SELECT CONCAT('BL-S-', LPAD(c.n, 8, '0')), {STAMP}, 1, {DAY}, NULL, %(company)s, 'Receivable', %(debtors)s,
				'Customer', {CUSTOMER}, 'Payment Entry', {PAYMENT}, 'Sales Invoice', {INVOICE}, -{GROSS}, -{GROSS},
				%(currency)s, 0 FROM {{numbers}} WHERE {PAID}""",
				self.invoices,
			),
			*((label, statement, self.invoices) for label, statement in rows),
			*(
				(
					f"journals, {side}",
					f"""INSERT INTO `tabGL Entry` ({GL})
					SELECT CONCAT('BL-{mark}-', LPAD(c.n, 8, '0')), {STAMP}, 1, DATE_SUB(%(today)s, INTERVAL c.n MOD {DAYS} DAY),
					%(company)s, {head}, NULL, NULL, {debit}, {credit}, {debit}, {credit}, %(currency)s, 'Journal Entry',
					CONCAT('BL-J-', LPAD(c.n, 8, '0')), 'Bank', %(center)s, '2026', 'No', REPEAT('Buchung ', 6), 0
					FROM {{numbers}}""",
					journals,
				)
				for side, mark, head, debit, credit in (
					("debit", "X", "%(expense)s", "c.n MOD 300", "0"),
					("credit", "Y", "%(bank)s", "0", "c.n MOD 300"),
				)
			),
		]

	@staticmethod
	def _gl(
		label: str,
		mark: str,
		head: str,
		amount: str,
		party: bool = False,
		of_payment: bool = False,
		where: str = "1 = 1",
	) -> tuple[str, str]:
		"""Return the statement for a ledger row for each invoice or payment; `amount` is debit − credit."""
		voucher = f"'Payment Entry', {PAYMENT}" if of_payment else f"'Sales Invoice', {INVOICE}"
		who = f"'Customer', {CUSTOMER}" if party else "NULL, NULL"
		debit, credit = f"GREATEST({amount}, 0)", f"GREATEST(-({amount}), 0)"
		return (
			f"ledger, {label}",
			f"""INSERT INTO `tabGL Entry` ({GL})
			SELECT CONCAT('BL-{mark}-', LPAD(c.n, 8, '0')), {STAMP}, 1, {DAY}, %(company)s, {head}, {who}, {debit}, {credit},
			{debit}, {credit}, %(currency)s, {voucher}, {CUSTOMER}, %(center)s, '2026', 'No', REPEAT('Buchung ', 6), {CANCELLED}
			FROM {{numbers}} WHERE {where} AND ({PAID if of_payment else "1 = 1"})""",
		)
