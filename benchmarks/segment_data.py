"""Generate a market by SQL: relations, some of them customers, with roles, invoices, contacts and responses
of five years.

A fifth of a million relations buys; few of them buy much and most buy little. One invoice in twenty is a
credit note, one in fifty is cancelled, one in thirteen is not paid. Only columns that segments and figures
read are filled. Every document carries the mark in its name, or belongs to a document that does, so that it
can be removed.
"""

from collections.abc import Callable
from time import perf_counter

import frappe
from frappe.utils import nowdate

from crm_relations.ledger.statements.statement import company_or_default

LINES = 4
DAYS = 5 * 365
#: rows of one INSERT: the work that is undone if it is killed
CHUNK = 250_000
REGIONS, PROVINCES = 4, 4
DIVISIONS, GROUPS = 5, 8
CAMPAIGN = "BS Spring"
STAMP = "NOW(), NOW(), 'Administrator'"
COLUMNS = "name, creation, modified, owner"
FACTS = ("Relation Facts", "Relation Facts Item Group", "Relation Contact Facts")

#: doctype → common feature of the generated rows
MADE = {
	"Relation Segment Member": "relation LIKE 'BS-R-%%'",
	"Relation Campaign Response": "name LIKE 'BS-A-%%'",
	"Relation Campaign Send": "name LIKE 'BS-S-%%'",
	"Relation Campaign Member": "name LIKE 'BS-M-%%'",
	"Relation Campaign": "name LIKE 'BS %%'",
	"Relation Interaction": "name LIKE 'BS-N-%%'",
	"Relation Consent": "name LIKE 'BS-O-%%'",
	"Payment Ledger Entry": "name LIKE 'BS-E-%%'",
	"Quotation": "name LIKE 'BS-Q-%%'",
	"Sales Invoice Item": "name LIKE 'BS-L-%%'",
	"Sales Invoice": "name LIKE 'BS-I-%%'",
	"Relation Link": "name LIKE 'BS-K-%%'",
	"Relation Role": "name LIKE 'BS-H-%%'",
	"Relation Party": "name LIKE 'BS-P-%%'",
	"Relation Segment Queue": "relation LIKE 'BS-R-%%'",
	**dict.fromkeys(FACTS, "relation LIKE 'BS-R-%%'"),
	"Relation": "name LIKE 'BS-R-%%'",
	"Customer": "name LIKE 'BS-C-%%'",
}
TREES = ("Territory", "Item Group")


def chance(salt: int) -> str:
	"""Return SQL for a random number from 0 to below 1 that depends on the row's number and the salt."""
	return f"(CONV(LEFT(MD5(CONCAT(c.n, '-{salt}')), 8), 16, 10) / 4294967296)"


class Market:
	"""A number of relations, customers among them, and invoice lines, with four lines on each invoice."""

	def __init__(self, relations: int, customers: int, lines: int):
		self.relations, self.customers, self.invoices = relations, customers, lines // LINES
		company = company_or_default()
		self.values = {
			"company": company,
			"debtors": frappe.get_cached_value("Company", company, "default_receivable_account"),
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"today": nowdate(),
			"relations": relations,
			"customers": customers,
			"invoices": self.invoices,
		}

	def load(self, say: Callable[[str], None]) -> None:
		"""Insert the rows with their figures, unless they exist; committed chunk by chunk."""
		if self._is_there():
			say("the market is there already")
			return
		self.remove(say)
		began = perf_counter()
		self._make_trees()
		frappe.db.sql("SET SESSION unique_checks = 0, foreign_key_checks = 0")
		for label, doctype, columns, total, select in self.statements():
			start = perf_counter()
			for low in range(1, total + 1, CHUNK):
				high = min(total, low + CHUNK - 1)
				numbers = f"(SELECT CAST(seq AS SIGNED) AS n FROM seq_{low}_to_{high}) c"
				frappe.db.sql(
					f"INSERT INTO `tab{doctype}` ({COLUMNS}, {columns}) {select} FROM {numbers}"
					+ self.suffix.get(label, ""),
					self.values,
				)
				frappe.db.commit()
			say(f"{label}: {perf_counter() - start:.0f} s")
		frappe.db.sql("SET SESSION unique_checks = 1, foreign_key_checks = 1")
		self._analyze()
		self._make_facts(say)
		say(f"loaded in {perf_counter() - began:.0f} s")

	def remove(self, say: Callable[[str], None]) -> None:
		"""Remove the generated rows, in pieces that the database undoes quickly."""
		for doctype, where in MADE.items():
			if not frappe.db.table_exists(doctype):
				continue
			start, deleted = perf_counter(), 0
			while True:
				frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE {where} LIMIT {CHUNK}", {})
				found = frappe.db._cursor.rowcount
				frappe.db.commit()
				deleted += found
				if found < CHUNK:
					break
			if deleted:
				say(f"{deleted} of {doctype} taken away: {perf_counter() - start:.0f} s")
		for doctype in TREES:
			for name in frappe.get_all(
				doctype, filters={"name": ["like", "BS %"]}, pluck="name", order_by="lft desc"
			):
				frappe.delete_doc(doctype, name, force=True)
		frappe.db.commit()

	def _is_there(self) -> bool:
		for doctype, wanted in (("Relation", self.relations), ("Sales Invoice", self.invoices)):
			if (
				frappe.db.sql(f"SELECT COUNT(*) FROM `tab{doctype}` WHERE {MADE[doctype]}", {})[0][0]
				!= wanted
			):
				return False
		return bool(frappe.db.count("Relation Facts", {"relation": ["like", "BS-R-%"]}))

	def _make_trees(self) -> None:
		"""Create territories BS Region r with BS Province r-p, and item groups BS Division d with BS Group 1
		to 40.
		"""
		territory = frappe.get_all(
			"Territory", filters={"parent_territory": ["in", ["", None]]}, pluck="name"
		)[0]
		for region in range(REGIONS):
			self._node("Territory", f"BS Region {region}", territory, True)
			for province in range(PROVINCES):
				self._node("Territory", f"BS Province {region}-{province}", f"BS Region {region}", False)
		top = frappe.get_all("Item Group", filters={"parent_item_group": ["in", ["", None]]}, pluck="name")[0]
		for division in range(DIVISIONS):
			self._node("Item Group", f"BS Division {division}", top, True)
			for group in range(GROUPS):
				self._node(
					"Item Group", f"BS Group {division * GROUPS + group}", f"BS Division {division}", False
				)
		frappe.db.commit()

	@staticmethod
	def _node(doctype: str, name: str, parent: str, is_group: bool) -> None:
		field = frappe.scrub(doctype)
		frappe.get_doc(
			{
				"doctype": doctype,
				f"{field}_name": name,
				f"parent_{field}": parent,
				"is_group": int(is_group),
			}
		).insert()

	def _analyze(self) -> None:
		for doctype in MADE:
			if frappe.db.table_exists(doctype):
				frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")

	def _make_facts(self, say: Callable[[str], None]) -> None:
		from crm_relations.relations.facts import build

		built = build.rebuild()
		say(f"facts: {built.seconds:.0f} s")
		for doctype in FACTS:
			frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")

	#: the part of a statement after its numbers
	suffix = {
		"lines": f" JOIN (SELECT CAST(seq AS SIGNED) AS l FROM seq_1_to_{LINES}) line",
		"roles of leads": " WHERE c.n MOD 3 = 0",
	}

	def statements(self) -> list[tuple[str, str, str, int, str]]:
		"""Return label, doctype, columns, the count of numbers, and the SELECT over the numbers c.n.

		MariaDB's sequence engine counts. A digest of the number serves as its random value: the same in every
		run.
		"""
		relation = "CONCAT('BS-R-', LPAD(CONV(c.n * 2654435761 MOD 4294967296, 10, 36), 7, '0'))"
		customer = f"1 + FLOOR(%(customers)s * POW({chance(20)}, 1.7))"
		quoted = f"1 + FLOOR(%(customers)s * POW({chance(21)}, 1.7))"
		day = f"DATE_SUB(%(today)s, INTERVAL ({DAYS} - FLOOR({DAYS} * c.n / %(invoices)s)) DAY)"
		sign = "IF(c.n MOD 20 = 7, -1, 1)"
		net = f"{sign} * {LINES} * (1 + c.n MOD 5) * (10 + c.n MOD 97)"
		item = "((c.n * 7 + line.l * 131) MOD 2000)"
		someone = relation.replace("c.n", f"(1 + CAST(FLOOR(%(relations)s * {chance(11)}) AS SIGNED))")
		return [
			(
				"relations",
				"Relation",
				"""relation_name, relation_kind, industry, territory, city, country, language, age_group, employees,
				email_id, phone, stage, stage_since, annual_revenue, disabled, responsible""",
				self.relations,
				f"""SELECT {relation}, {STAMP}, CONCAT('Benchmark ', c.n), IF(c.n MOD 3 = 0, 'Organisation', 'Person'),
				IF(c.n MOD 11 = 0, NULL, CONCAT('BS Industry ', FLOOR(20 * {chance(1)}))),
				CONCAT('BS Province ', FLOOR({REGIONS} * {chance(2)}), '-', FLOOR({PROVINCES} * {chance(3)})),
				CONCAT('BS Stadt ', FLOOR(500 * POW({chance(4)}, 2))), IF(c.n MOD 10 = 0, 'Austria', 'Germany'),
				IF(c.n MOD 8 = 0, 'en', 'de'),
				IF(c.n MOD 3 = 0, NULL, CONCAT('Age Group-', ELT(1 + c.n MOD 6, '18-29', '30-44', '45-59', '60-69', '70-79', '80'))),
				IF(c.n MOD 3 = 0, FLOOR(500 * POW({chance(5)}, 3)), 0),
				IF(c.n MOD 4 = 0, NULL, CONCAT('bs', c.n, '@example.com')), IF(c.n MOD 5 = 0, '0221 1', NULL),
				IF(c.n <= %(customers)s, 'Customer', IF(c.n MOD 3 = 0, 'Lead', NULL)),
				DATE_SUB(%(today)s, INTERVAL FLOOR({DAYS} * {chance(6)}) DAY), 0, IF(c.n MOD 50 = 0, 1, 0),
				IF(c.n MOD 6 = 0, 'Administrator', NULL)""",
			),
			(
				"customers",
				"Customer",
				"customer_name, customer_type",
				self.customers,
				f"SELECT CONCAT('BS-C-', LPAD(c.n, 7, '0')), {STAMP}, CONCAT('Benchmark ', c.n), 'Company'",
			),
			(
				"parties",
				"Relation Party",
				"parent, parenttype, parentfield, idx, party_type, party, since",
				self.customers,
				f"""SELECT CONCAT('BS-P-', LPAD(c.n, 7, '0')), {STAMP}, {relation}, 'Relation', 'parties', 1, 'Customer',
				CONCAT('BS-C-', LPAD(c.n, 7, '0')), %(today)s""",
			),
			(
				"roles of customers",
				"Relation Role",
				"parent, parenttype, parentfield, idx, role, since, until, derived",
				self.customers,
				f"""SELECT CONCAT('BS-H-C', LPAD(c.n, 7, '0')), {STAMP}, {relation}, 'Relation', 'roles', 1, 'Customer',
				DATE_SUB(%(today)s, INTERVAL FLOOR({DAYS} * {chance(0)}) DAY), NULL, 1""",
			),
			(
				"roles of leads",
				"Relation Role",
				"parent, parenttype, parentfield, idx, role, since, until, derived",
				self.relations,
				f"""SELECT CONCAT('BS-H-L', LPAD(c.n, 7, '0')), {STAMP}, {relation}, 'Relation', 'roles', 2, 'Lead',
				DATE_SUB(%(today)s, INTERVAL FLOOR({DAYS} * {chance(6)}) DAY),
				IF(c.n <= %(customers)s, %(today)s, NULL), 1""",
			),
			(
				"links",
				"Relation Link",
				"relation, link_type, related_relation, since",
				self.relations // 5,
				f"""SELECT CONCAT('BS-K-', LPAD(c.n, 7, '0')), {STAMP}, {relation.replace("c.n", "(c.n * 3 + 1)")}, 'works for',
				{relation.replace("c.n", "(3 + 3 * (c.n MOD 20000))")}, %(today)s""",
			),
			(
				"invoices",
				"Sales Invoice",
				"""docstatus, customer, customer_name, company, posting_date, due_date, is_return, is_opening, currency,
				conversion_rate, base_net_total, net_total, base_grand_total, grand_total, status, debit_to""",
				self.invoices,
				f"""SELECT CONCAT('BS-I-', LPAD(c.n, 7, '0')), {STAMP}, IF(c.n MOD 50 = 0, 2, 1),
				CONCAT('BS-C-', LPAD({customer}, 7, '0')), 'Benchmark', %(company)s, {day},
				DATE_ADD({day}, INTERVAL 30 DAY), c.n MOD 20 = 7, 'No', %(currency)s, 1,
				{net}, {net}, 1.19 * {net}, 1.19 * {net}, 'Paid', %(debtors)s""",
			),
			(
				"lines",
				"Sales Invoice Item",
				"""docstatus, parent, parenttype, parentfield, idx, item_code, item_name, item_group, brand, qty, stock_qty,
				uom, stock_uom, conversion_factor, rate, base_rate, base_net_amount, net_amount, incoming_rate""",
				self.invoices,
				f"""SELECT CONCAT('BS-L-', LPAD(c.n, 7, '0'), line.l), {STAMP}, IF(c.n MOD 50 = 0, 2, 1),
				CONCAT('BS-I-', LPAD(c.n, 7, '0')), 'Sales Invoice', 'items', line.l, CONCAT('BS-ITEM-', {item}), 'Artikel',
				CONCAT('BS Group ', {item} MOD {DIVISIONS * GROUPS}), CONCAT('BS Brand ', {item} MOD 25),
				{sign} * (1 + c.n MOD 5), {sign} * (1 + c.n MOD 5), 'Nos', 'Nos', 1, 10 + c.n MOD 97, 10 + c.n MOD 97,
				{sign} * (1 + c.n MOD 5) * (10 + c.n MOD 97), {sign} * (1 + c.n MOD 5) * (10 + c.n MOD 97), 7 + c.n MOD 60""",
			),
			(
				"receivables",
				"Payment Ledger Entry",
				"""docstatus, posting_date, due_date, company, account_type, account, party_type, party, voucher_type,
				voucher_no, against_voucher_type, against_voucher_no, amount, amount_in_account_currency, account_currency""",
				self.invoices // 13,
				f"""SELECT CONCAT('BS-E-', LPAD(c.n, 7, '0')), {STAMP}, 1, DATE_SUB(%(today)s, INTERVAL c.n MOD 200 DAY),
				DATE_SUB(%(today)s, INTERVAL c.n MOD 200 - 30 DAY), %(company)s, 'Receivable', %(debtors)s, 'Customer',
				CONCAT('BS-C-', LPAD({customer}, 7, '0')), 'Sales Invoice', CONCAT('BS-I-', LPAD(c.n * 13, 7, '0')),
				'Sales Invoice', CONCAT('BS-I-', LPAD(c.n * 13, 7, '0')), 100 + c.n MOD 900, 100 + c.n MOD 900, %(currency)s""",
			),
			(
				"quotations",
				"Quotation",
				"docstatus, quotation_to, party_name, company, transaction_date, valid_till, base_net_total, status",
				self.relations // 5,
				f"""SELECT CONCAT('BS-Q-', LPAD(c.n, 7, '0')), {STAMP}, 1, 'Customer',
				CONCAT('BS-C-', LPAD({quoted}, 7, '0')), %(company)s,
				DATE_SUB(%(today)s, INTERVAL c.n MOD 700 DAY), DATE_ADD(%(today)s, INTERVAL 30 - c.n MOD 700 DAY),
				500 + c.n MOD 1000, ELT(1 + c.n MOD 5, 'Open', 'Ordered', 'Ordered', 'Lost', 'Expired')""",
			),
			(
				"interactions",
				"Relation Interaction",
				"relation, kind, subject, happened_on, outcome, direction",
				self.relations // 2,
				f"""SELECT CONCAT('BS-N-', LPAD(c.n, 7, '0')), {STAMP}, {someone},
				ELT(1 + c.n MOD 5, 'Call', 'Call', 'Meeting', 'Letter', 'Complaint'), 'Benchmark',
				DATE_SUB(NOW(), INTERVAL FLOOR({DAYS} * {chance(12)}) DAY), 'Successful', IF(c.n MOD 2, 'Incoming', 'Outgoing')""",
			),
			(
				"members of a campaign",
				"Relation Campaign Member",
				"campaign, relation, status",
				self.relations // 5,
				f"""SELECT CONCAT('BS-M-', LPAD(c.n, 7, '0')), {STAMP}, '{CAMPAIGN}', {relation.replace("c.n", "(c.n * 4)")},
				'Addressed'""",
			),
			(
				"sends",
				"Relation Campaign Send",
				"campaign, relation, member, step, step_type, state, sent_at",
				self.relations // 5,
				f"""SELECT CONCAT('BS-S-', LPAD(c.n, 7, '0')), {STAMP}, '{CAMPAIGN}', {relation.replace("c.n", "(c.n * 4)")},
				CONCAT('BS-M-', LPAD(c.n, 7, '0')), 'BS-STEP', 'E-mail', 'Sent',
				DATE_SUB(NOW(), INTERVAL 20 + c.n MOD 60 DAY)""",
			),
			(
				"answers",
				"Relation Campaign Response",
				"campaign, relation, member, send, response_type, received_at",
				self.relations // 20,
				f"""SELECT CONCAT('BS-A-', LPAD(c.n, 7, '0')), {STAMP}, '{CAMPAIGN}', {relation.replace("c.n", "(c.n * 16)")},
				CONCAT('BS-M-', LPAD(c.n * 4, 7, '0')), CONCAT('BS-S-', LPAD(c.n * 4, 7, '0')),
				ELT(1 + c.n MOD 3, 'Reply', 'Click', 'Click'), DATE_SUB(NOW(), INTERVAL c.n MOD 60 DAY)""",
			),
			(
				"consents",
				"Relation Consent",
				"relation, address, address_key, channel, event, purpose, given_at",
				self.relations // 4,
				f"""SELECT CONCAT('BS-O-', LPAD(c.n, 7, '0')), {STAMP}, {relation.replace("c.n", "(c.n * 4 - 1)")},
				CONCAT('bs', c.n * 4 - 1, '@example.com'), CONCAT('bs', c.n * 4 - 1, '@example.com'), 'E-mail',
				IF(c.n MOD 9 = 0, 'Withdrawn', 'Given'), 'Advertising', DATE_SUB(NOW(), INTERVAL c.n MOD 900 DAY)""",
			),
		]
