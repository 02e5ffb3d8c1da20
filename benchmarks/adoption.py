"""Measure `relations sync` on a site with years of data: leads, customers and contacts.

Ours: the whole sync, with its roles, stages, links and commits, over 100,000 leads, 100,000 customers and
150,000 contacts with their Dynamic Links. A fifth of the customers were created from a lead. Half of the
leads and most of the customers are companies, and their contacts work for them.

Peer: a bare `frappe.db.bulk_insert` of exactly the rows that this sync has written (relations, their
documents, roles, links …). The rows are deleted first and then inserted into the same tables with the same
keys, with a commit every 10,000. The peer reads nothing and decides nothing. It does not include the sync's
updates of existing rows (the field `relation` of leads). Bar: 3 times the peer.

`per_document` compares the sync with the `frappe.db.bulk_insert` that loaded the leads, customers and
contacts. That inserted one row for each document; the sync writes almost three.

The loaded data are removed at the end. Other documents of the site get their relations before the clock
starts.

	BENCH_DIR=~/frappe-bench SITE=demo.localhost ~/frappe-bench/env/bin/python benchmarks/adoption.py --share 0.05
"""

import argparse
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import frappe
from frappe.utils import add_days, now, nowdate
from measuring import Clock, connected_site, report, row

from crm_relations.relations.identities.sync import sync

BAR = 3.0
LEADS, CUSTOMERS, CONTACTS = 100_000, 100_000, 150_000
CHUNK = 10_000
MARK = "BM-ADOPT"


@dataclass(frozen=True)
class Seconds:
	"""Processor time of the benchmarks (see `measuring.Clock`), and wall-clock time."""

	spent: float = 0.0
	wall: float = 0.0

	def __add__(self, other: "Seconds") -> "Seconds":
		return Seconds(self.spent + other.spent, self.wall + other.wall)


def spent(function: Callable[[], Any]) -> Seconds:
	clock = Clock.of_connection()
	start, began = clock.read(), perf_counter()
	function()
	return Seconds(clock.read() - start, perf_counter() - began)


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
	parser.add_argument("--share", type=float, default=1.0, help="part of the documents, to try it out")
	parser.add_argument("--rounds", type=int, default=3, help="how often both run")
	arguments = parser.parse_args()
	with connected_site():
		rows = [measured(arguments.share, arguments.rounds)]
	report(rows)


def measured(share: float, rounds: int) -> dict[str, Any]:
	"""Return the row of the report."""
	ours, peer = [], []
	memory = Memory()
	clear()
	sync()
	try:
		story = Story(share)
		loaded = story.load()
		for number in range(rounds):
			began = now()
			seconds, adopted = timed_sync(memory if not number else None)
			_check(story, adopted)
			ours.append(seconds)
			with TemporaryDirectory() as folder:
				files = list(written_since(began, folder))
				forget(files)
				peer.append(sum((insert_again(file) for file in files), Seconds()))
				forget(files)
				written = {file.doctype: file.count for file in files}
	finally:
		clear()
	return row(
		f"adoption of {story.documents} documents",
		[seconds.spent for seconds in ours],
		[seconds.spent for seconds in peer],
		BAR,
		wall=round(median(s.wall for s in ours), 2),
		wall_ratio=round(median(s.wall for s in ours) / median(s.wall for s in peer), 3),
		documents=story.documents,
		rows_written=sum(written.values()),
		written=written,
		documents_per_second=round(story.documents / median(s.spent for s in ours)),
		per_document=round(median(s.spent for s in ours) / loaded.spent, 3),
		memory_growth_mb=memory.growth(),
	)


def timed_sync(memory: "Memory | None") -> tuple[Seconds, dict[str, Any]]:
	found: dict[str, Any] = {}
	seconds = spent(lambda: found.update(sync(on_progress=memory.look if memory else None).as_dict()))
	return seconds, found


def _check(story: "Story", found: dict[str, Any]) -> None:
	"""Check that every document got a relation, and exactly one."""
	adopted = sum(counts["adopted"] for counts in found["by"].values())
	table = frappe.qb.DocType("Relation Party")
	rows = frappe.qb.from_(table).select(table.party).where(table.party.like(f"{MARK}%")).run(pluck=True)
	assert adopted == story.documents == len(rows) == len(set(rows)), (adopted, story.documents, len(rows))


# ── memory ─────────────────────────────────────────────────────────────────────────────────────


class Memory:
	"""Resident memory of this process, measured after each page of the sync."""

	def __init__(self) -> None:
		self.seen: list[int] = []

	def look(self, *_progress: Any) -> None:
		with open("/proc/self/statm", encoding="ascii") as file:
			self.seen.append(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

	def growth(self) -> float:
		"""Return the megabytes between the end of the first tenth of the pages and the highest point after
		it.
		"""
		first = self.seen[len(self.seen) // 10]
		return round((max(self.seen) - first) / 1e6, 1)


# ── the documents ──────────────────────────────────────────────────────────────────────────────


class Story:
	"""Numbered leads, customers and contacts of a company; names, dates and links follow from the number."""

	def __init__(self, share: float) -> None:
		self.leads, self.customers, self.contacts = (
			max(10, int(number * share)) for number in (LEADS, CUSTOMERS, CONTACTS)
		)
		self.documents = self.leads + self.customers + self.contacts
		self.territory = frappe.db.get_value("Territory", {"is_group": 0})
		self.company = frappe.db.get_value("Company", {})

	def load(self) -> Seconds:
		"""Insert the documents; return the seconds for the leads, customers and contacts themselves."""
		seconds = insert("Lead", (self.lead(number) for number in range(self.leads)))
		seconds = seconds + insert("Customer", (self.customer(number) for number in range(self.customers)))
		seconds = seconds + insert("Contact", (self.contact(number) for number in range(self.contacts)))
		insert("Dynamic Link", (link for number in range(self.contacts) for link in self.links(number)))
		return seconds

	def lead(self, number: int) -> dict[str, Any]:
		first, last = f"Lena {number}", f"Lehmann {number % 997}"
		return {
			**standard(f"{MARK}-L{number:07}", number),
			"first_name": first,
			"last_name": last,
			"lead_name": f"{first} {last}",
			"company_name": f"Lehmann {number} GmbH" if self.is_company_lead(number) else None,
			"status": "Converted" if number % 5 == 0 and number < self.customers else "Open",
			"email_id": f"lead{number}@lehmann{number % 5003}.example",
			"mobile_no": f"+49 171 {1000000 + number}",
			"phone": f"0221 / {100000 + number}" if number % 2 else None,
			"city": "Köln",
			"country": "Germany",
			"territory": self.territory,
			"company": self.company,
			"no_of_employees": "51-200",
		}

	def customer(self, number: int) -> dict[str, Any]:
		company = self.is_company(number)
		return {
			**standard(f"{MARK}-K{number:07}", number),
			"customer_name": f"Kunde {number} GmbH" if company else f"Karin Kunde {number}",
			"customer_type": "Company" if company else "Individual",
			"email_id": f"info@kunde{number}.example",
			"website": f"www.kunde{number}.example",
			"territory": self.territory,
			"language": "de",
			"lead_name": f"{MARK}-L{number:07}" if number % 5 == 0 and number < self.leads else None,
			"customer_primary_contact": None if company else self.contact_of_customer(number),
		}

	def contact(self, number: int) -> dict[str, Any]:
		first, last = f"Konrad {number}", f"Kontakt {number % 1009}"
		return {
			**standard(f"{MARK}-C{number:07}", number),
			"first_name": first,
			"last_name": last,
			"full_name": f"{first} {last}",
			"email_id": f"Konrad.{number}@Kontakt{number % 5003}.Example",
			"phone": f"+49 221 {200000 + number}",
			"is_primary_contact": int(number % 3 == 0),
		}

	def links(self, number: int) -> Iterator[dict[str, Any]]:
		"""Yield the links: two of five contacts belong to a lead, half to a customer, a tenth to none."""
		ends = []
		if number % 5 < 2:
			ends.append(("Lead", f"{MARK}-L{(number // 5 * 2 + number % 5) % self.leads:07}"))
		elif number % 10 != 9:
			ends.append(("Customer", f"{MARK}-K{number % self.customers:07}"))
		for index, (doctype, name) in enumerate(ends):
			yield {
				**standard(f"{MARK}-D{number:07}{index}", number),
				"parent": f"{MARK}-C{number:07}",
				"parenttype": "Contact",
				"parentfield": "links",
				"idx": index + 1,
				"link_doctype": doctype,
				"link_name": name,
			}

	def contact_of_customer(self, number: int) -> str | None:
		linked = number < self.contacts and number % 5 >= 2 and number % 10 != 9
		return f"{MARK}-C{number:07}" if linked else None

	@staticmethod
	def is_company(number: int) -> bool:
		return number % 10 < 7

	@classmethod
	def is_company_lead(cls, number: int) -> bool:
		"""Tell whether a lead is a company; a lead that became a customer is of the customer's kind."""
		return cls.is_company(number) if number % 5 == 0 else bool(number % 2)


def standard(name: str, number: int) -> dict[str, Any]:
	stamp = f"{add_days(nowdate(), -(number % 2000))} 12:00:00"
	return {
		"name": name,
		"owner": "Administrator",
		"modified_by": "Administrator",
		"creation": stamp,
		"modified": stamp,
	}


def insert(doctype: str, documents: Iterable[dict[str, Any]]) -> Seconds:
	"""Insert the documents in sets, with a commit for each chunk."""
	seconds = Seconds()
	for chunk in chunks(documents):
		columns, values = list(chunk[0]), [tuple(document.values()) for document in chunk]
		seconds = seconds + timed_insert(doctype, columns, values)
	return seconds


def timed_insert(doctype: str, columns: list[str], values: list[tuple]) -> Seconds:
	def write() -> None:
		frappe.db.bulk_insert(doctype, columns, values)
		frappe.db.commit()

	return spent(write)


def chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
	iterator = iter(items)
	while chunk := list(islice(iterator, CHUNK)):
		yield chunk


# ── written rows, and their removal ────────────────────────────────────────────────────────────


def our_doctypes() -> list[str]:
	names = frappe.get_all(
		"DocType",
		filters={"module": "CRM Relations", "issingle": 0, "is_virtual": 0},
		pluck="name",
		order_by="name asc",
	)
	return sorted(names, key=lambda name: (name != "Relation", name))


@dataclass
class Written:
	"""Rows of one doctype, pickled in chunks."""

	doctype: str
	columns: list[str]
	path: str
	count: int = 0

	def chunks(self) -> Iterator[list[tuple]]:
		with open(self.path, "rb") as file:
			for _chunk in range(-(-self.count // CHUNK)):
				yield list(pickle.load(file))


def written_since(began: str, folder: str) -> Iterator[Written]:
	"""Yield the rows that were inserted into our tables since."""
	for doctype in our_doctypes():
		table = frappe.qb.DocType(doctype)
		written = Written(doctype, frappe.db.get_table_columns(doctype), os.path.join(folder, doctype))
		after = ""
		with open(written.path, "wb") as file:
			while rows := (
				frappe.qb.from_(table)
				.select(*[table[column] for column in written.columns])
				.where((table.creation >= began) & (table.name > after))
				.orderby(table.name)
				.limit(CHUNK)
			).run():
				pickle.dump(rows, file)
				written.count += len(rows)
				after = rows[-1][written.columns.index("name")]
		if written.count:
			yield written


def insert_again(written: Written) -> Seconds:
	"""Return the seconds of a bare bulk_insert of these rows."""
	times = (timed_insert(written.doctype, written.columns, rows) for rows in written.chunks())
	return sum(times, Seconds())


def forget(files: list[Written]) -> None:
	"""Delete the rows that the sync has written, as if the documents never had a relation."""
	for written in files:
		table, name = frappe.qb.DocType(written.doctype), written.columns.index("name")
		for rows in written.chunks():
			frappe.qb.from_(table).delete().where(table.name.isin([row[name] for row in rows])).run()
			frappe.db.commit()
	let_go()


def let_go() -> None:
	"""Clear the relation of our leads."""
	lead = frappe.qb.DocType("Lead")
	for chunk in chunks(list(named("Lead"))):
		frappe.qb.update(lead).set(lead.relation, None).where(lead.name.isin(chunk)).run()
		frappe.db.commit()


def forget_relations() -> None:
	"""Delete the relations of our documents with all rows that name them: leftovers of an interrupted run."""
	party = frappe.qb.DocType("Relation Party")
	while names := (
		frappe.qb.from_(party)
		.select(party.parent)
		.distinct()
		.where(party.party.like(f"{MARK}%"))
		.limit(CHUNK // 2)
	).run(pluck=True):
		for doctype, columns in pointing().items():
			table = frappe.qb.DocType(doctype)
			for column in columns:
				frappe.qb.from_(table).delete().where(table[column].isin(names)).run()
		frappe.db.commit()


def pointing() -> dict[str, list[str]]:
	"""Return our doctypes → columns that name a relation.

	The documents of a relation come last, because the relation is found by them.
	"""
	result: dict[str, list[str]] = {"Relation": ["name"]}
	for doctype in our_doctypes():
		meta = frappe.get_meta(doctype)
		columns = [f.fieldname for f in meta.get("fields", {"fieldtype": "Link", "options": "Relation"})]
		columns += [f.fieldname for f in meta.get("fields", {"fieldtype": "Dynamic Link"})]
		if meta.istable:
			columns.append("parent")
		if columns and doctype not in ("Relation", "Relation Party"):
			result[doctype] = columns
	return {**result, "Relation Party": ["parent"]}


def named(doctype: str) -> Iterator[str]:
	table, after = frappe.qb.DocType(doctype), ""
	while names := (
		frappe.qb.from_(table)
		.select(table.name)
		.where(table.name.like(f"{MARK}%") & (table.name > after))
		.orderby(table.name)
		.limit(CHUNK)
	).run(pluck=True):
		yield from names
		after = names[-1]


def clear() -> None:
	"""Remove everything that this run or an earlier one has loaded."""
	frappe.db.rollback()
	forget_relations()
	let_go()
	for doctype in ("Dynamic Link", "Contact", "Customer", "Lead"):
		table = frappe.qb.DocType(doctype)
		for chunk in chunks(list(named(doctype))):
			frappe.qb.from_(table).delete().where(table.name.isin(chunk)).run()
			frappe.db.commit()


if __name__ == "__main__":
	main()
