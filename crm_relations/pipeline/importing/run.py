"""Run an import: read the export, create master data, create deals, and account for every row.

Writes through `masters`, `deals` and `records`. Each row is one transaction with its record. A stopped run
leaves complete rows, and the next run continues from there. Rows read equal rows imported plus rows rejected,
in total and by file. Rejected rows go to a csv file.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import frappe
from frappe import _
from frappe.utils import get_site_path, strip_html
from frappe.utils.file_lock import LockTimeoutError
from frappe.utils.synchronization import filelock

from crm_relations.pipeline.importing import mapping as mappings
from crm_relations.pipeline.importing import reader, records
from crm_relations.pipeline.importing.deals import Booking, Names
from crm_relations.pipeline.importing.masters import Masters, Variants, fiscal_years, recognise
from crm_relations.pipeline.importing.reader import Deal, ReadFile, Rejection
from crm_relations.pipeline.importing.rules import KnownNames, ValueProblem
from crm_relations.relations.identities import identity
from crm_relations.shared.money import to_string
from crm_relations.shared.refusals import refuse

#: (file name, rows done, rows in the file)
Progress = Callable[[str, int, int], None]


class Importer:
	"""One run over one export."""

	def __init__(
		self,
		folder: str | Path,
		*,
		deals: int | None = None,
		company: str | None = None,
		mapping_file: str | Path | None = None,
		campaign: str | None = None,
		rejects_file: str | Path | None = None,
		on_progress: Progress | None = None,
	):
		self.mapping = mappings.load(mapping_file)
		self.export = reader.read(folder, self.mapping, deals)
		self.company = choose_company(company)
		check_company(self.company)
		check_silence()
		if campaign and not frappe.db.exists("Relation Campaign", campaign):
			refuse(_("Campaign {0} does not exist."), campaign, exception=frappe.DoesNotExistError)
		# master data belong to the site, deals to a company: the same export may be imported for two
		# companies
		self.source = f"{self.mapping.source} → {self.company}"
		self.rejects_file = Path(
			rejects_file or get_site_path("private", "files", f"rejects-{self.mapping.source}.csv")
		)
		self.on_progress = on_progress or (lambda *_args: None)
		self.variants = Variants()
		self.masters = Masters(self.mapping, self.company, self.variants)
		self.booking = Booking(self.company, self.mapping.tax, campaign)
		self.tally: dict[str, Tally] = {}
		self.rejections: list[Rejection] = []

	def run(self) -> dict[str, Any]:
		"""Import the rows that are not imported yet; commits after each row.

		:return: the counts and sums that `relations import-pipeline --json` prints
		"""
		try:
			with _alone():
				return self._run()
		except BaseException:
			frappe.db.rollback()
			raise

	def _run(self) -> dict[str, Any]:
		self._calendar()
		items = self._each(self.export.products, "Item", lambda row: (self.masters.product(row), ""))
		people = self._each(self.export.teams, "Sales Person", lambda row: (self.masters.agent(row), ""))
		customers = self._each(
			self.export.accounts, "Customer", self.masters.account, look=self.masters.names_of_account
		)
		self._parents(customers)
		self._deals(items, people, customers)
		self._write_rejects()
		return self._result()

	# rows -----------------------------------------------------------------------------------------------

	def _each(
		self,
		file: ReadFile,
		doctype: str,
		make: Callable[[Any], tuple[str, str]],
		look: Callable[[Any], Any] = lambda row: None,
	) -> dict[str, str]:
		"""Create the master data of a file.

		:param look: called for a row that an earlier run has imported; its variants belong in this report
			too
		:return: key of the row → name of its document
		"""
		known, tally = self._begin(file)
		documents = {}
		for number, row in enumerate(file.good, start=1):
			before = known.get(row.key)
			if before and frappe.db.exists(doctype, before.document):
				documents[row.key] = before.document
				tally.unchanged += 1
				look(row)
				continue
			try:
				name, note = make(row)
			except frappe.ValidationError as error:
				self._reject_row(tally, row, error)
				continue
			if before:  # its document has been deleted
				records.forget(self.source, row.row.file, row.key)
			records.remember(self.source, row.row, row.key, (doctype, name), note=note)
			frappe.db.commit()
			documents[row.key] = name
			tally.new += 1
			self.on_progress(file.part.label, number, len(file.good))
		return documents

	def _parents(self, customers: dict[str, str]) -> None:
		known = KnownNames(customers, self.mapping.likeness)
		for account in self.export.accounts.good:
			if account.key in customers and (reason := self.masters.parent(account, customers, known)):
				self.variants.doubt(self.mapping.accounts.columns["parent"], account.parent, reason)
		frappe.db.commit()

	def _deals(self, items: dict[str, str], people: dict[str, str], customers: dict[str, str]) -> None:
		file = self.export.deals
		known, tally = self._begin(file)
		resolve = _Resolver(self, items, people, customers)
		self.masters.stages_and_reasons(
			{deal.lost_reason or self.mapping.lost_reason for deal in file.good if deal.outcome == "lost"}
		)
		frappe.db.commit()
		for number, deal in enumerate(file.good, start=1):
			if deal.key in known:
				tally.unchanged += 1
				resolve.count_variants(deal)
				continue
			try:
				self._deal(deal, resolve(deal))
				tally.new += 1
			except (frappe.ValidationError, ValueProblem) as error:
				self._reject_row(tally, deal, error)
			self.on_progress(file.part.label, number, len(file.good))

	def _deal(self, deal: Deal, names: Names) -> None:
		opportunity, invoice = self.booking.book(deal, names, deal.lost_reason or self.mapping.lost_reason)
		note = (
			f"no date in the row; dated {deal.opened_on}, the last date in the file or today"
			if deal.dated_by_rule
			else ""
		)
		records.remember(
			self.source,
			deal.row,
			deal.key,
			("Opportunity", opportunity),
			invoice=invoice,
			amount=deal.value if deal.outcome == "won" else None,
			note=note,
		)
		frappe.db.commit()

	def _begin(self, file: ReadFile) -> tuple[dict[str, records.Known], "Tally"]:
		"""Read which rows are imported already, and replace the rejections of earlier runs."""
		name = file.part.label
		known = records.imported(self.source, name)
		tally = self.tally[name] = Tally(rows_in=file.rows_in, rejected=len(file.rejected))
		self.rejections += file.rejected
		keys = [row.key for row in file.good] + [rejection.key for rejection in file.rejected]
		records.forget_rejections(self.source, name, keys)
		records.reject(self.source, [rejection for rejection in file.rejected if rejection.key not in known])
		frappe.db.commit()
		return known, tally

	def _reject_row(self, tally: "Tally", row: Any, error: Exception) -> None:
		frappe.db.rollback()
		frappe.clear_messages()
		rejection = Rejection(row.row, row.key, strip_html(str(error)) or type(error).__name__)
		records.reject(self.source, [rejection])
		frappe.db.commit()
		self.rejections.append(rejection)
		tally.rejected += 1

	# preparation and result ------------------------------------------------------------------------------

	def _calendar(self) -> None:
		"""Create the fiscal years in which a document is posted; an open or a lost deal needs none."""
		dates = {deal.closed_on for deal in self.export.deals.good if deal.outcome == "won"}
		for year in sorted({date.year for date in dates}):
			in_year = [date for date in dates if date.year == year]
			fiscal_years(self.company, min(in_year), max(in_year))
		frappe.db.commit()

	def _write_rejects(self) -> None:
		"""Write one csv for all files; the original columns of a row follow ours."""
		columns = list(dict.fromkeys(column for rejection in self.rejections for column in rejection.row.raw))
		self.rejects_file.parent.mkdir(parents=True, exist_ok=True)
		with self.rejects_file.open("w", encoding="utf-8", newline="") as stream:
			writer = csv.writer(stream)
			writer.writerow(["rejected_file", "rejected_row", "rejected_key", "rejected_reason", *columns])
			for rejection in self.rejections:
				row = rejection.row
				written = [row.raw.get(column, "") for column in columns]
				writer.writerow([row.file, row.number, rejection.key, rejection.reason, *written])

	def _result(self) -> dict[str, Any]:
		deals = self.export.deals
		keys = {deal.key for deal in deals.good}
		value, income = records.value_and_income(self.source, deals.part.label, keys)
		return {
			"source": self.source,
			"company": self.company,
			"rows_in": sum(tally.rows_in for tally in self.tally.values()),
			"imported": sum(tally.imported for tally in self.tally.values()),
			"rejected": sum(tally.rejected for tally in self.tally.values()),
			"by": {
				part.label: self.tally[part.label].as_dict() for part in self.mapping.parts if part.columns
			},
			"won_value": to_string(value),
			"income_posted": to_string(income),
			"difference": to_string(value - income),
			"rejects_file": str(self.rejects_file.resolve()),
			"variants": list(self.variants.mapped.values()),
			"unclear": list(self.variants.unclear.values()),
		}


@dataclass
class Tally:
	"""Counts of one file: `new` in this run, `unchanged` since an earlier one."""

	rows_in: int
	rejected: int
	new: int = 0
	unchanged: int = 0

	@property
	def imported(self) -> int:
		return self.new + self.unchanged

	def as_dict(self) -> dict[str, int]:
		return {
			"rows_in": self.rows_in,
			"imported": self.imported,
			"rejected": self.rejected,
			"new": self.new,
			"unchanged": self.unchanged,
		}


@dataclass
class _Resolver:
	"""Find the documents for the names written in a deal."""

	importer: Importer
	items: dict[str, str]
	people: dict[str, str]
	customers: dict[str, str]
	prices: dict[str, Decimal | None] = field(init=False)
	known: dict[str, KnownNames] = field(init=False)
	relations: dict[str, str | None] = field(default_factory=dict)
	#: item of won deals without a product
	unnamed: str | None = None

	def __post_init__(self) -> None:
		likeness = self.importer.mapping.likeness
		self.prices = {product.key: product.price for product in self.importer.export.products.good}
		self.known = {
			"product": KnownNames(self.items, likeness),
			"agent": KnownNames(self.people, likeness),
			"account": KnownNames(self.customers, likeness),
		}

	def __call__(self, deal: Deal) -> Names:
		"""Return the documents of a deal's names.

		:raises ValueProblem: a name is not in the other files of the export, or is ambiguous
		"""
		product = self._name("product", deal.product) if deal.product else None
		account = self._name("account", deal.account)
		agent = self._name("agent", deal.agent) if deal.agent else None
		customer = self.customers[account]
		if customer not in self.relations:
			self.relations[customer] = identity.relation_of("Customer", customer)
		return Names(
			customer,
			self.relations[customer],
			self._item(product, deal.outcome),
			self.prices.get(product),
			self.people.get(agent),
		)

	def _item(self, product: str | None, outcome: str) -> str | None:
		"""Return the item of a product.

		A won deal without a product is invoiced with the item for unnamed products.
		"""
		if product:
			return self.items[product]
		if outcome != "won":
			return None
		self.unnamed = self.unnamed or self.importer.masters.unnamed_product()
		return self.unnamed

	def count_variants(self, deal: Deal) -> None:
		"""Count the variants of a row of an earlier run: they belong in the report of this run as well."""
		for ours, written in (("product", deal.product), ("account", deal.account), ("agent", deal.agent)):
			if written:
				self._name(ours, written)

	def _name(self, ours: str, written: str) -> str:
		mapping = self.importer.mapping
		column = mapping.deals.columns[ours]
		name = recognise(self.known[ours], written, column, self.importer.variants)
		if not name:
			other = {"product": mapping.products, "agent": mapping.teams, "account": mapping.accounts}[ours]
			raise ValueProblem(f'{column}: "{written}" is not in {other.label}, or was rejected there')
		return name


def choose_company(company: str | None = None) -> str:
	"""Return the company of the import: the one named, the one of Relation Settings, or the only one.

	:raises frappe.ValidationError: no company exists, or several do and none is chosen
	"""
	if company:
		if not frappe.db.exists("Company", company):
			refuse(_("Company {0} does not exist."), company, exception=frappe.DoesNotExistError)
		return company
	if default := frappe.db.get_single_value("Relation Settings", "default_company"):
		return default
	companies = frappe.get_all("Company", filters={"is_group": 0}, pluck="name", order_by="name asc")
	if len(companies) == 1:
		return companies[0]
	if not companies:
		frappe.throw(_("The site has no company. Run ERPNext's setup first."))
	refuse(
		_(
			"There are several companies: {0}. Name one with --company, or set a default in Relation Settings."
		),
		", ".join(companies),
	)


def check_company(company: str) -> None:
	"""Check the default accounts that a won deal is posted to.

	:raises frappe.ValidationError: an account is missing or wrong
	"""
	values = frappe.db.get_value(
		"Company", company, ["default_receivable_account", "default_income_account", "default_bank_account",
		"default_cash_account"], as_dict=True,
	)  # fmt: skip
	needed = (
		(values.default_receivable_account, _("Default Receivable Account"), "Asset"),
		(values.default_income_account, _("Default Income Account"), "Income"),
		(values.default_bank_account or values.default_cash_account, _("Default Bank Account"), "Asset"),
	)
	for account, label, root_type in needed:
		if not account:
			refuse(_("The company {0} has no {1}. Set it in the company."), company, label)
		found = frappe.get_cached_value("Account", account, "root_type")
		if found != root_type:
			refuse(
				_("The {0} of the company {1} is {2}, which is of the type {3}; it must be of the type {4}."),
				label,
				company,
				account,
				_(found),
				_(root_type),
			)


def check_silence() -> None:
	"""Refuse an import that would trigger emails and calls to other systems for deals of the past.

	Frappe's own flag for imports would prevent them, but it also leaves out the default values of documents.

	:raises frappe.ValidationError: a notification or webhook listens to a document that the import
		creates
	"""
	doctypes = (
		"in",
		["Customer", "Opportunity", "Quotation", "Sales Order", "Sales Invoice", "Payment Entry"],
	)
	listening = frappe.get_all(
		"Notification", filters={"enabled": 1, "document_type": doctypes}, pluck="name", order_by="name asc"
	) + frappe.get_all(
		"Webhook", filters={"enabled": 1, "webhook_doctype": doctypes}, pluck="name", order_by="name asc"
	)
	if listening:
		refuse(
			_(
				"These notifications and webhooks would go out for deals of the past: {0}. Disable them for the import."
			),
			", ".join(listening),
		)


class _alone:
	"""Prevent two imports at once, which would import the same rows at the same time."""

	def __enter__(self) -> None:
		self.lock = filelock("relations_import", timeout=1)
		try:
			self.lock.__enter__()
		except LockTimeoutError:
			frappe.db.rollback()
			frappe.throw(_("Another import is running on this site. Wait for its end."))

	def __exit__(self, *exception: Any) -> None:
		self.lock.__exit__(*exception)


def import_pipeline(folder: str | Path, **options: Any) -> dict[str, Any]:
	"""Import an export; `options` are those of `Importer`.

	:raises MappingError, ExportError: the mapping or the export cannot be read; nothing was imported
	"""
	return Importer(folder, **options).run()
