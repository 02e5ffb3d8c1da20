"""Create the master data for accounts, products and sales teams of an export.

Writes Customer, Relation, Item, Item Price, Sales Person, Fiscal Year and the lists that they link to.
Existing records of the same name are used, not created again.
"""

from dataclasses import dataclass, field
from html import unescape

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import strip_html
from frappe.utils.nestedset import get_root_of

from crm_relations.pipeline.importing.mapping import Mapping
from crm_relations.pipeline.importing.reader import Account, Agent, Product, Row
from crm_relations.pipeline.importing.rules import Ambiguous, KnownNames, containing, title_of
from crm_relations.relations.identities import identity
from crm_relations.relations.network import links
from crm_relations.relations.rules import SUBSIDIARY_OF


@dataclass
class Variants:
	"""Names with a different spelling, and names that no rule could assign: (column, written) → result."""

	mapped: dict[tuple[str, str], dict] = field(default_factory=dict)
	unclear: dict[tuple[str, str], dict] = field(default_factory=dict)

	def note(self, column: str, written: str, name: str, how: str, likeness: float) -> None:
		key = (column, written)
		self.mapped.setdefault(
			key,
			{
				"column": column,
				"written": written,
				"taken_as": name,
				"by": how,
				"likeness": likeness,
				"rows": 0,
			},
		)["rows"] += 1

	def doubt(self, column: str, written: str, reason: str) -> None:
		key = (column, written)
		self.unclear.setdefault(key, {"column": column, "written": written, "reason": reason, "rows": 0})[
			"rows"
		] += 1


def recognise(known: KnownNames, written: str, column: str, variants: Variants) -> str | None:
	"""Return the known name meant by `written`, and note a different spelling.

	:raises rules.Ambiguous: several names fit
	"""
	match = known.match(written)
	if not match:
		return None
	if match.name.casefold() != written.casefold():
		variants.note(column, written, match.name, match.how, match.likeness)
	return match.name


class Masters:
	"""Create the master data of one export, and keep what was created or found."""

	def __init__(self, mapping: Mapping, company: str, variants: Variants):
		self.mapping, self.company, self.variants = mapping, company, variants
		self.industries = KnownNames(frappe.get_all("Industry Type", pluck="name"), mapping.likeness)
		self.countries = KnownNames(frappe.get_all("Country", pluck="name"), mapping.likeness)
		self.customer_group = _default_of("Customer Group", "customer_group")
		self.price_list = frappe.db.get_single_value(
			"Selling Settings", "selling_price_list"
		) or frappe.db.get_value("Price List", {"selling": 1, "enabled": 1}, order_by="creation asc")

	# accounts -------------------------------------------------------------------------------------------

	def account(self, account: Account) -> tuple[str, str]:
		"""Create customer and relation of an account.

		:return: name of the customer, and a note on values that stayed unclear
		"""
		industry, country, note = self.names_of_account(account)
		name = frappe.db.get_value("Customer", {"customer_name": account.key})
		made = not name
		if made:
			name = _insert(
				"Customer",
				customer_name=account.key,
				customer_type="Company",
				customer_group=self.customer_group,
				territory=self._territory(country),
				industry=industry,
			).name
		self._profile(identity.adopt("Customer", name), made, account, industry, country)
		return name, note

	def names_of_account(self, account: Account) -> tuple[str | None, str | None, str]:
		"""Return the industry and country that are meant, and a note on values that stayed unclear."""
		return self._industry(account.industry), *self._country(account.country)

	def parent(self, account: Account, customers: dict[str, str], known: KnownNames) -> str:
		"""Link a subsidiary to its parent company; safe to run again.

		:return: why it could not be linked, empty if it is linked or has no parent
		"""
		if not account.parent:
			return ""
		column = self.mapping.accounts.columns["parent"]
		try:
			parent = recognise(known, account.parent, column, self.variants)
		except Ambiguous as problem:
			return f"{column}: {problem}"
		if not parent or parent == account.key:
			return f'{column}: "{account.parent}" is no other account of the export'
		child, above = (identity.relation_of("Customer", customers[name]) for name in (account.key, parent))
		try:
			links.link(child, SUBSIDIARY_OF, above)
		except frappe.ValidationError as problem:  # circular subsidiaries: reported, and the import continues
			frappe.clear_messages()
			return f"{column}: {unescape(strip_html(str(problem)))}"
		return ""

	def _profile(
		self, relation: str, made: bool, account: Account, industry: str | None, country: str | None
	) -> None:
		"""Fill the profile.

		An existing relation gets only the values that it lacks: a user's entry is better than an export.
		"""
		doc = frappe.get_doc("Relation", relation)
		values = {
			"industry": industry,
			"country": country,
			"employees": account.employees,
			"notes": account.notes,
		}
		if account.annual_revenue is not None and (made or not doc.annual_revenue):
			doc.annual_revenue = float(account.annual_revenue)
			doc.revenue_currency = self.mapping.annual_revenue_currency or None
		doc.update({name: value for name, value in values.items() if made or (value and not doc.get(name))})
		doc.save(ignore_permissions=True)

	def _industry(self, written: str) -> str | None:
		if not written:
			return None
		column = self.mapping.accounts.columns["industry"]
		try:
			name = recognise(self.industries, written, column, self.variants)
		except Ambiguous as problem:
			self.variants.doubt(column, written, str(problem))
			return None
		if not name:
			name = _insert("Industry Type", industry=title_of(written)).name
			self.industries.add(name)
		return name

	def _country(self, written: str) -> tuple[str | None, str]:
		"""Return the known country.

		Countries are a closed list: an unknown one stays empty, and the row says so.
		"""
		if not written:
			return None, ""
		column = self.mapping.accounts.columns["country"]
		try:
			name = recognise(self.countries, written, column, self.variants)
			if name:
				return name, ""
			possible = containing(written, frappe.get_all("Country", pluck="name", order_by="name asc"))
			reason = (
				f'"{written}" may be {" or ".join(possible)}'
				if possible
				else f'"{written}" is no known country'
			)
		except Ambiguous as problem:
			reason = str(problem)
		self.variants.doubt(column, written, reason)
		return None, f"{column}: {reason}; left empty"

	def _territory(self, country: str | None) -> str | None:
		if not country:
			return _default_of("Territory", "territory")
		if not frappe.db.exists("Territory", country):
			_insert(
				"Territory", territory_name=country, parent_territory=get_root_of("Territory"), is_group=0
			)
		return country

	# products -------------------------------------------------------------------------------------------

	def product(self, product: Product) -> str:
		"""Create an item with its selling price: a service, or goods that are not kept in stock."""
		name = frappe.db.get_value("Item", {"item_code": product.key}) or frappe.db.get_value(
			"Item", {"item_name": product.key}
		)
		if not name:
			name = _insert(
				"Item",
				item_code=product.key,
				item_name=product.key,
				item_group=self._item_group(product.group),
				stock_uom=frappe.db.get_single_value("Stock Settings", "stock_uom") or "Nos",
				is_stock_item=0,
				is_purchase_item=0,
				include_item_in_manufacturing=0,
			).name
		price = {"item_code": name, "price_list": self.price_list}
		if product.price is not None and self.price_list and not frappe.db.exists("Item Price", price):
			_insert("Item Price", price_list_rate=float(product.price), **price)
		return name

	def unnamed_product(self) -> str:
		"""Return the item under which won deals without a product are invoiced."""
		name = _("Product Not Named")
		return self.product(Product(Row("", 0, {}, {}), name))

	def _item_group(self, name: str) -> str:
		if not name:
			return _first_leaf("Item Group")
		if not frappe.db.exists("Item Group", name):
			_insert(
				"Item Group", item_group_name=name, parent_item_group=get_root_of("Item Group"), is_group=0
			)
		elif frappe.db.get_value("Item Group", name, "is_group"):
			return _first_leaf("Item Group")
		return name

	# teams ----------------------------------------------------------------------------------------------

	def agent(self, agent: Agent) -> str:
		"""Return the Sales Person below manager and office.

		No login is created, because an export has no addresses.
		"""
		above = get_root_of("Sales Person")
		for name in (agent.office, agent.manager):
			if name and name != agent.key:
				above = self._sales_person(name, above, is_group=1)
		return self._sales_person(agent.key, above, is_group=0)

	def _sales_person(self, name: str, parent: str, is_group: int) -> str:
		if not frappe.db.exists("Sales Person", name):
			_insert(
				"Sales Person",
				sales_person_name=name,
				parent_sales_person=parent,
				is_group=is_group,
				enabled=1,
			)
		elif is_group and not frappe.db.get_value("Sales Person", name, "is_group"):
			# a manager that also sells was created as an agent first
			frappe.db.set_value("Sales Person", name, "is_group", 1)
		return name

	# lists of the deals ---------------------------------------------------------------------------------

	def stages_and_reasons(self, reasons: set[str]) -> None:
		"""Create the sales stages of the mapping and the reasons of lost deals."""
		for stage in self.mapping.stages.values():
			if stage.sales_stage and not frappe.db.exists("Sales Stage", stage.sales_stage):
				_insert("Sales Stage", stage_name=stage.sales_stage)
		for reason in sorted(reasons):
			if not frappe.db.exists("Opportunity Lost Reason", reason):
				_insert("Opportunity Lost Reason", lost_reason=reason)


def fiscal_years(company: str, first, last) -> list[str]:
	"""Create the fiscal years that are missing from `first` to `last`, following the company's calendar.

	:return: names of the years that were created
	"""
	from_company = frappe.get_all(
		"Fiscal Year Company", filters={"company": company}, pluck="parent", order_by="creation desc", limit=1
	)
	pattern = frappe.db.get_value(
		"Fiscal Year",
		from_company[0] if from_company else {"disabled": 0, "is_short_year": 0},
		["name", "year_start_date"],
		order_by="year_start_date desc",
		as_dict=True,
	)
	start_month, start_day = (
		(pattern.year_start_date.month, pattern.year_start_date.day) if pattern else (1, 1)
	)
	made = []
	for year in range(first.year - 1, last.year + 1):
		start = frappe.utils.getdate(f"{year}-{start_month:02d}-{start_day:02d}")
		end = frappe.utils.getdate(frappe.utils.add_days(frappe.utils.add_years(start, 1), -1))
		if end < first or start > last or _has_year(company, start, end):
			continue
		name = str(year) if end.year == year else f"{year}-{end.year}"
		if frappe.db.exists("Fiscal Year", name):
			name = f"{name} {frappe.get_cached_value('Company', company, 'abbr')}"
		companies = [{"company": company}] if from_company else []
		made.append(
			_insert(
				"Fiscal Year", year=name, year_start_date=start, year_end_date=end, companies=companies
			).name
		)
	return made


def _has_year(company: str, start, end) -> bool:
	year, of_company = frappe.qb.DocType("Fiscal Year"), frappe.qb.DocType("Fiscal Year Company")
	rows = (
		frappe.qb.from_(year)
		.left_join(of_company)
		.on(of_company.parent == year.name)
		.select(of_company.company)
		.where((year.year_start_date <= end) & (year.year_end_date >= start) & (year.disabled == 0))
		.run()
	)
	return any(name in (None, company) for (name,) in rows)


def _default_of(doctype: str, fieldname: str) -> str | None:
	return frappe.db.get_single_value("Selling Settings", fieldname) or _first_leaf(doctype)


def _first_leaf(doctype: str) -> str | None:
	return frappe.db.get_value(doctype, {"is_group": 0}, order_by="lft asc")


def _insert(doctype: str, **values) -> Document:
	return frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)
