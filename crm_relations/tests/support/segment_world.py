"""Create a random world for segments: rows in the tables, and in plain Python the values of each relation.

The values cover every field and event of the catalogue. None of them is computed by SQL.
"""

import random
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import frappe
from frappe.utils import getdate, now

from crm_relations.campaigns.rules import BASES
from crm_relations.segments.language import rules
from crm_relations.segments.language.rules import AnyOf
from crm_relations.tests.support import factories

TODAY = getdate("2026-11-23")
NAMES = [
	"Köln",
	"koln",
	"KÖLN",
	"Bonn",
	"bonn ",
	"Großenhain",
	"Grossenhain",
	"100 % Öl",
	"a_b",
	"axb",
	"O'Brien",
]
NAMES += [
	'say "x"',
	"back\\slash",
	"tick`s",
	"Île-de-France",
	"ile-de-france",
	"Zürich (Nord)",
	"%(name)s",
	"{0}",
]
DAYS = [
	TODAY + timedelta(days=days) for days in (-1100, -366, -365, -364, -90, -89, -30, -7, -1, 0, 1, 6, 40)
]
DAYS += [date(2024, 2, 29), date(2025, 2, 28), date(2025, 3, 1), date(2025, 11, 22), date(2025, 11, 24)]
DAYS += [date(1990, 11, 23), date(1988, 2, 29), date(2026, 10, 1), date(2026, 9, 30), date(2025, 12, 31)]
PAST = [day for day in DAYS if day < TODAY - timedelta(days=1)]
AMOUNTS = [Decimal(text) for text in ("0.01", "99.99", "100", "100.5", "2500", "1000000", "-50")]
#: the precision with which these columns store a figure
TENTHS = [Decimal(text) for text in ("0.1", "7", "30.5", "99.9")]
COUNTS = [1, 2, 5, 10, 250]
TREE = {"Seg World": None, "Seg Nord": "Seg World", "Seg Süd": "Seg World", "Seg Kiel": "Seg Nord"}
COMPANIES = ["Nord AG", "Süd GmbH"]
ITEMS, BRANDS, CAMPAIGNS = ["Apfel", "Öl", "a_b"], ["Marke", "märke"], ["Herbst", "Frühling"]
SEGMENTS = ["seg-one", "seg-two"]
REASONS = ["Preis", "Größe"]
PROFILE = (
	"age_group",
	"income_group",
	"education",
	"risk_attitude",
	"buying_behaviour",
	"market_orientation",
)
LINKS = (*PROFILE, "industry", "stage", "country", "language", "responsible", "gender", "designation")
CONSENT = "Consent, Art. 6 (1) (a) GDPR"
SALE = "Existing customer, § 7 (3) UWG"

Row = dict[str, Any]


def below(field: str, value: str, node: str) -> bool:
	"""Return whether a value is below another, independent of lft and rgt: climb from the value to the root."""
	while value:
		if rules.text_key(value) == rules.text_key(node):
			return True
		value = TREE.get(value)
	return False


def plant_trees() -> None:
	"""Insert the same nodes as territories, customer groups and item groups."""
	for doctype, top in (
		("Territory", "All Territories"),
		("Customer Group", "All Customer Groups"),
		("Item Group", "All Item Groups"),
	):
		key = frappe.scrub(doctype)
		for name, parent in TREE.items():
			factories.insert(
				doctype,
				**{f"{key}_name": name, f"parent_{key}": parent or top, "is_group": name != "Seg Kiel"},
			)


def bulk(doctype: str, rows: list[Row]) -> None:
	"""Insert rows straight into the table: random data need not be valid documents."""
	if not rows:
		return
	base = {"creation": now(), "modified": now(), "owner": "Administrator", "modified_by": "Administrator"}
	columns = list({**base, **{key: None for row in rows for key in row}})
	values = [[{**base, **row}.get(column) for column in columns] for row in rows]
	frappe.db.bulk_insert(doctype, columns, values)


class World:
	"""Random relations with all their records. `rows`: name → field or event → its values."""

	def __init__(self, number: int, seed: int, own: dict[str, str] | None = None):
		self.dice = random.Random(seed)
		self.seed = seed
		#: attributes and custom fields of the site: key in the catalogue → type
		self.own = own or {}
		self.tables: dict[str, list[Row]] = defaultdict(list)
		self.rows: dict[str, Row] = {}
		self.names = [f"seg{seed}-{i:04}" for i in range(number)]
		self.serial = 0
		for name in self.names:
			self.rows[name] = self.a_relation(name)
		self.links()
		for doctype, planted in self.tables.items():
			bulk(doctype, planted)

	# ── small things ──

	def one(self, *values: Any) -> Any:
		return self.dice.choice(values)

	def some(self, most: int) -> range:
		return range(self.dice.choice([0, 0, *range(1, most + 1)]))

	def plant(self, doctype: str, **values: Any) -> Row:
		self.serial += 1
		row = {"name": f"s{self.seed}-{self.serial}", **values}
		self.tables[doctype].append(row)
		return row

	def moment(self, days: list[date] = DAYS) -> datetime:
		"""Draw a time at which a day begins, ends or is in between."""
		clock = self.one(time(0, 0), time(12, 30), time(23, 59, 59, 999999))
		return datetime.combine(self.one(*days), clock)

	def node(self) -> str | None:
		return self.one(None, "", *TREE)

	# ── one relation ──

	def a_relation(self, name: str) -> Row:
		values = {
			"relation_name": self.one(*NAMES).strip(),
			"relation_kind": self.one("Person", "Organisation"),
			"city": self.one(None, "", *NAMES),
			"pincode": self.one(None, "", "53113", "50667"),
			"territory": self.node(),
			"employees": self.one(0, *COUNTS),
			"annual_revenue": self.one(0, *AMOUNTS),
			"completeness": self.one(0, Decimal("33.3"), 100),
			"date_of_birth": self.one(None, *DAYS),
			"stage_since": self.one(None, *DAYS),
			"creation": self.moment(),
			"disabled": self.one(0, 1),
			"email_id": self.one(None, "", "a@b.example"),
			"phone": self.one(None, "", "0221 1"),
			"mobile_no": self.one(None, "", "0171 1"),
			**{field: self.one(None, "", *NAMES[:6]) for field in LINKS},
		}
		own = {key: self.own_value(kind) for key, kind in self.own.items() if "." not in key}
		self.tables["Relation"].append(
			{"name": name, **values, **{key: stored for key, (stored, _v) in own.items()}}
		)
		since = values["stage_since"]
		row: Row = {
			**{
				field: values[field] or None
				for field in (*LINKS, "city", "territory", "stage_since", "date_of_birth")
			},
			"relation_name": values["relation_name"],
			"postcode": values["pincode"] or None,
			"kind": values["relation_kind"],
			"employees": values["employees"] or None,
			"annual_revenue": values["annual_revenue"] or None,
			"completeness": values["completeness"],
			"creation": values["creation"],
			"days_in_stage": (TODAY - since).days if since else None,
			"disabled": bool(values["disabled"]),
			"has_email": bool(values["email_id"]),
			"has_phone": bool(values["phone"] or values["mobile_no"]),
			**{key: value for key, (_stored, value) in own.items()},
		}
		row.update(self.standing(name))
		customers = [self.party(name, "Customer") for _n in self.some(2)]
		leads = [self.party(name, "Lead") for _n in self.some(1)]
		contacts = [self.party(name, "Contact") for _n in self.some(1)]
		row["customer_group"] = AnyOf(customer["customer_group"] or None for customer in customers)
		for doctype, parties in (("Customer", customers), ("Lead", leads), ("Contact", contacts)):
			for key in self.own:
				if key.startswith(f"{doctype.lower()}."):
					row[key] = AnyOf(party["said"][key] for party in parties)
		row.update(self.sales([customer["name"] for customer in customers]))
		parties = [("Customer", p["name"]) for p in customers] + [("Lead", p["name"]) for p in leads]
		row.update(self.offers(parties))
		row.update(self.facts(name))
		row.update(self.contacts(name, parties))
		row.update(self.campaigns(name))
		return row

	def own_value(self, kind: str) -> tuple[Any, Any]:
		"""Return the value of the column and its meaning."""
		if kind in ("integer", "amount"):
			stored = self.one(0, *(COUNTS if kind == "integer" else AMOUNTS))
			return stored, stored or None
		if kind == "check":
			stored = self.one(0, 1)
			return stored, bool(stored)
		if kind == "date":
			stored = self.one(None, *DAYS)
			return stored, stored
		if kind == "datetime":
			stored = self.one(None, self.moment())
			return stored, stored
		stored = self.node() if kind == "tree" else self.one(None, "", *NAMES[:6])
		return stored, stored or None

	def standing(self, name: str) -> Row:
		child = {"parent": name, "parenttype": "Relation", "parentfield": "roles"}
		roles = []
		for role in self.dice.sample(["Lead", "Customer", "Debtor", "Supplier"], self.dice.randint(0, 3)):
			spell = {"role": role, "since": self.one(None, *DAYS), "until": self.one(None, None, *DAYS)}
			roles.append({**spell, "document": self.plant("Relation Role", **child, **spell)["name"]})
		held = set()
		for segment in SEGMENTS:
			if self.dice.random() < 0.4:
				left = self.one(None, None, self.moment())
				self.plant("Relation Segment Member", segment=segment, relation=name, left_on=left)
				if left is None:
					held.add(segment)
		return {
			"role": {spell["role"] for spell in roles if spell["until"] is None},
			"roles": roles,
			"segment": held,
		}

	def party(self, relation: str, doctype: str) -> Row:
		own = {
			key: self.own_value(kind)
			for key, kind in self.own.items()
			if key.startswith(f"{doctype.lower()}.")
		}
		group = {"customer_group": self.node()} if doctype == "Customer" else {}
		stored = {key.partition(".")[2]: value for key, (value, _said) in own.items()}
		row = self.plant(doctype, **group, **stored)
		self.plant(
			"Relation Party",
			parent=relation,
			parenttype="Relation",
			parentfield="parties",
			party_type=doctype,
			party=row["name"],
		)
		return {**row, "said": {key: said for key, (_stored, said) in own.items()}}

	def lines(self, doctype: str, document: str, sign: int, common: Row) -> list[Row]:
		"""Return one to three lines of a sales document as the event sees them."""
		rows = []
		for _n in range(self.dice.randint(1, 3)):
			line = {
				"item_code": self.one(*ITEMS),
				"item_group": self.node(),
				"brand": self.one(None, "", *BRANDS),
				"base_net_amount": abs(self.one(*AMOUNTS)) * sign,
				"stock_qty": self.one(*COUNTS) * sign,
			}
			self.plant(f"{doctype} Item", parent=document, parenttype=doctype, parentfield="items", **line)
			rows.append(
				{
					**common,
					"item": line["item_code"],
					"item_group": line["item_group"] or None,
					"brand": line["brand"] or None,
					"amount": line["base_net_amount"],
					"quantity": line["stock_qty"],
				}
			)
		return rows

	def sales(self, customers: list[str]) -> Row:
		invoices, bought, ordered = [], [], []
		for customer in customers:
			for _n in self.some(4):
				is_return, is_debit_note = self.one((0, 0), (0, 0), (0, 0), (1, 0), (0, 1))
				amount = abs(self.one(*AMOUNTS)) * (-1 if is_return else 1)
				company = self.one(*COMPANIES)
				invoice = self.plant(
					"Sales Invoice",
					customer=customer,
					docstatus=self.one(0, 1, 1, 1, 2),
					is_return=is_return,
					is_debit_note=is_debit_note,
					is_opening=self.one(None, "No", "No", "Yes"),
					represents_company=self.one(None, "", company, *COMPANIES),
					company=company,
					posting_date=self.one(*DAYS),
					base_net_total=amount,
				)
				counts = (
					invoice["docstatus"] == 1
					and invoice["is_opening"] != "Yes"
					and invoice["represents_company"] != company
				)
				if invoice["docstatus"] == 1:
					invoices.append(invoice)
				document = None if is_return or is_debit_note else invoice["name"]
				common = {"date": invoice["posting_date"], "company": company, "document": document}
				rows = self.lines("Sales Invoice", invoice["name"], -1 if is_return else 1, common)
				bought += rows if counts else []
			for _n in self.some(2):
				order = self.plant(
					"Sales Order",
					customer=customer,
					docstatus=self.one(0, 1, 1, 2),
					company=self.one(*COMPANIES),
					transaction_date=self.one(*DAYS),
				)
				common = {
					"date": order["transaction_date"],
					"company": order["company"],
					"document": order["name"],
				}
				rows = self.lines("Sales Order", order["name"], 1, common)
				ordered += rows if order["docstatus"] == 1 else []
		year = [one for one in invoices if date(2025, 11, 23) < one["posting_date"] <= TODAY]
		days = [one["posting_date"] for one in invoices if not one["is_return"]]
		return {
			"bought": bought,
			"ordered": ordered,
			"last_invoice_date": max(days, default=None),
			"revenue_12_months": sum((one["base_net_total"] for one in year), Decimal(0)),
			"invoices_12_months": len([one for one in year if not one["is_return"]]),
		}

	def offers(self, parties: list[tuple[str, str]]) -> Row:
		quoted, lost, opportunities = [], [], []
		for party_type, party in parties:
			for _n in self.some(2):
				quotation = self.plant(
					"Quotation",
					quotation_to=party_type,
					party_name=party,
					docstatus=self.one(0, 1, 1),
					status=self.one("Open", "Lost", "Ordered"),
					company=self.one(*COMPANIES),
					transaction_date=self.one(*DAYS),
				)
				reasons = self.reasons("Quotation", quotation["name"])
				common = {
					"date": quotation["transaction_date"],
					"company": quotation["company"],
					"document": quotation["name"],
					"status": quotation["status"],
					"reason": reasons,
				}
				rows = self.lines("Quotation", quotation["name"], 1, common)
				if quotation["docstatus"] == 1:
					quoted += rows
					lost += rows if quotation["status"] == "Lost" else []
			for _n in self.some(2):
				values = {
					"opportunity_type": self.one(None, "", *NAMES[:3]),
					"sales_stage": self.one(None, "", *NAMES[:3]),
					"company": self.one(None, *COMPANIES),
					"relation_campaign": self.one(None, "", *CAMPAIGNS),
					"status": self.one("Open", "Lost", "Closed"),
				}
				day, amount = self.one(*DAYS), self.one(0, *AMOUNTS)
				opportunity = self.plant(
					"Opportunity",
					opportunity_from=party_type,
					party_name=party,
					transaction_date=day,
					base_opportunity_amount=amount,
					**values,
				)
				opportunities.append(
					{
						"date": day,
						"type": values["opportunity_type"] or None,
						"sales_stage": values["sales_stage"] or None,
						"company": values["company"],
						"campaign": values["relation_campaign"] or None,
						"status": values["status"],
						"amount": amount,
						"reason": self.reasons("Opportunity", opportunity["name"]),
						"document": opportunity["name"],
					}
				)
		return {
			"quoted": quoted,
			"quotation_lost": lost,
			"opportunity": opportunities,
			"opportunity_lost": [one for one in opportunities if one["status"] == "Lost"],
		}

	def reasons(self, doctype: str, name: str) -> set[str]:
		found = set(self.dice.sample(REASONS, self.dice.randint(0, 2)))
		for reason in found:
			self.plant(
				f"{doctype} Lost Reason Detail",
				parent=name,
				parenttype=doctype,
				parentfield="lost_reasons",
				lost_reason=reason,
			)
		return found

	def facts(self, name: str) -> Row:
		amounts = (
			"revenue_12_months",
			"revenue_24_months",
			"revenue_total",
			"credit_notes_12_months",
			"margin_12_months",
			"margin_base_12_months",
			"open_amount",
			"overdue_amount",
			"billed_12_months",
			"days_sales_outstanding",
			"rhythm_days",
			"open_quotations_amount",
			"open_opportunities_amount",
		)
		counts = (
			"returns",
			"orders",
			"orders_24_months",
			"order_days",
			"open_quotations",
			"open_opportunities",
			"recency_class",
			"frequency_class",
			"monetary_class",
		)
		days = ("last_invoice", "first_order", "last_order", "overdue_since")
		figures = []
		for company in COMPANIES:
			if self.dice.random() < 0.4:
				continue
			values = {
				"company": company,
				"currency": self.one("EUR", "CHF"),
				**{column: self.one(0, *AMOUNTS) for column in amounts},
				**{column: self.one(0, *TENTHS) for column in ("rhythm_days", "days_sales_outstanding")},
				**{column: self.one(0, *COUNTS) for column in counts},
				**{column: self.one(None, *DAYS) for column in days},
			}
			document = self.plant("Relation Facts", relation=name, **values)["name"]
			figures.append({**self.known(values), "document": document})
		every = {
			column: AnyOf(one[column] for one in figures)
			for column in (*amounts, *counts, *days, "rhythm_lag")
		}
		for column in (*amounts, *counts):
			if column not in ("margin_12_months", "days_sales_outstanding", "rhythm_days") and not figures:
				every[column] = AnyOf((0,))
		every["company_revenue_12_months"] = every.pop("revenue_12_months")
		return {**every, "figures": figures, **self.contact_facts(name)}

	@staticmethod
	def known(values: Row) -> Row:
		"""Return the figures with the derived ones, which are unknown without a base."""
		found = dict(values)
		found["rhythm_lag"] = None
		if values["rhythm_days"] > 0 and values["last_order"]:
			lag = Decimal((TODAY - values["last_order"]).days) / Decimal(values["rhythm_days"])
			found["rhythm_lag"] = lag.quantize(Decimal("0.0001"), ROUND_HALF_UP)
		for column, base in (
			("rhythm_days", "rhythm_days"),
			("margin_12_months", "margin_base_12_months"),
			("days_sales_outstanding", "billed_12_months"),
		):
			if values[base] <= 0:
				found[column] = None
		return found

	def contact_facts(self, name: str) -> Row:
		days = ("last_contact", "last_call", "last_email", "last_letter", "last_meeting", "last_visit")
		days += ("last_complaint", "last_response")
		counts = ("complaints", "open_complaints", "campaign_responses", "positive_responses")
		if self.dice.random() < 0.3:
			return {**dict.fromkeys(days), **dict.fromkeys(counts, 0)}
		values = {
			**{one: self.one(None, *DAYS) for one in days},
			**{one: self.one(0, *COUNTS) for one in counts},
		}
		self.plant("Relation Contact Facts", relation=name, **values)
		return values

	# ── contacts, campaigns ──

	def contacts(self, name: str, parties: list[tuple[str, str]]) -> Row:
		rows = []
		for _n in self.some(3):
			values = {
				"direction": self.one(None, "", "Incoming", "Outgoing"),
				"outcome": self.one(None, "", "Successful", "Solved", "No Answer"),
				"handled_by": self.one(None, "", "a@b.example"),
				"item": self.one(None, *ITEMS),
				"campaign": self.one(None, *CAMPAIGNS),
			}
			kind, day = (
				self.one("Call", "Letter", "Meeting", "Visit", "Complaint", "Observation"),
				self.moment(),
			)
			document = self.plant("Relation Interaction", relation=name, kind=kind, happened_on=day, **values)
			said = {key: value or None for key, value in values.items()}
			rows.append({"type": kind, "date": day, "document": document["name"], **said})
		for _n in self.some(2):
			rows += self.mail(name, parties)
		for _n in self.some(1):
			if parties:
				rows += self.call(self.one(*parties))
		kinds = {
			"contact": None,
			"called": ("Call",),
			"met": ("Meeting", "Visit"),
			"wrote": ("Letter", "Email"),
			"complained": ("Complaint",),
		}
		return {
			event: [row for row in rows if types is None or row["type"] in types]
			for event, types in kinds.items()
		}

	def mail(self, name: str, parties: list[tuple[str, str]]) -> list[Row]:
		how = self.one("relation", "reference", "link", "both") if parties else "relation"
		party = self.one(*parties) if parties else None
		reference = {"relation": ("Relation", name), "link": (None, None)}.get(how, party)
		day, received = self.moment(), self.one("Sent", "Received")
		kind = self.one("Communication", "Communication", "Comment")
		document = self.plant(
			"Communication",
			communication_type=kind,
			communication_medium=self.one("Email", "Email", "", None, "Phone"),
			communication_date=day,
			sent_or_received=received,
			reference_doctype=reference[0],
			reference_name=reference[1],
		)
		if how in ("link", "both"):
			self.plant(
				"Communication Link",
				parent=document["name"],
				parenttype="Communication",
				parentfield="timeline_links",
				link_doctype=party[0],
				link_name=party[1],
			)
		if kind == "Comment" or document["communication_medium"] == "Phone":
			return []
		direction = "Incoming" if received == "Received" else "Outgoing"
		empty = dict.fromkeys(("outcome", "handled_by", "item", "campaign"))
		return [{**empty, "type": "Email", "direction": direction, "date": day, "document": document["name"]}]

	def call(self, party: tuple[str, str]) -> list[Row]:
		day, direction, status = (
			self.moment(),
			self.one("Incoming", "Outgoing"),
			self.one("Completed", "No Answer"),
		)
		document = self.plant("Call Log", start_time=day, type=direction, status=status)
		self.plant(
			"Dynamic Link",
			parent=document["name"],
			parenttype="Call Log",
			parentfield="links",
			link_doctype=party[0],
			link_name=party[1],
		)
		if status != "Completed":
			return []
		empty = dict.fromkeys(("handled_by", "item", "campaign"))
		said = {"type": "Call", "direction": direction, "outcome": "Successful", "date": day}
		return [{**empty, **said, "document": document["name"]}]

	def campaigns(self, name: str) -> Row:
		members, sent, responses = [], [], []
		for campaign in CAMPAIGNS:
			if self.dice.random() < 0.5:
				continue
			member = {
				"status": self.one("Addressed", "Won"),
				"held_out": self.one(0, 1),
				"entered": self.moment(),
			}
			key = self.plant("Relation Campaign Member", campaign=campaign, relation=name, **member)["name"]
			members.append(
				{
					"campaign": campaign,
					"status": member["status"],
					"held_out": bool(member["held_out"]),
					"date": member["entered"],
					"document": key,
				}
			)
			for step in range(self.dice.randint(0, 2)):
				send = {
					"step_type": self.one("Email", "Call"),
					"state": self.one("Sent", "Done", "Pending", "Suppressed"),
					"sent_at": self.moment(),
				}
				document = self.plant(
					"Relation Campaign Send",
					campaign=campaign,
					relation=name,
					member=key,
					step=f"{key}-{step}",
					token=f"{key}-{step}",
					**send,
				)
				if send["state"] in ("Sent", "Done"):
					sent.append(
						{
							"campaign": campaign,
							"type": send["step_type"],
							"date": send["sent_at"],
							"document": document["name"],
						}
					)
			for _n in self.some(3):
				response = {
					"response_type": self.one("Reply", "Click", "Call", "Unsubscribe", "Opened"),
					"answer": self.one("", "Interested", "Not Reached", "Unknown"),
					"received_at": self.moment(),
					"bot": self.one(0, 0, 1),
				}
				document = self.plant(
					"Relation Campaign Response", campaign=campaign, relation=name, member=key, **response
				)
				responses.append({**response, "campaign": campaign, "document": document["name"]})
		return {"in_campaign": members, "was_sent": sent, **self.answers(responses), **self.consents(name)}

	@staticmethod
	def answers(responses: list[Row]) -> Row:
		said = [
			{
				"campaign": one["campaign"],
				"date": one["received_at"],
				"answer": one["answer"] or None,
				"type": one["response_type"],
				"document": one["document"],
			}
			for one in responses
			if not one["bot"]
		]
		return {
			"opened": [one for one in said if one["type"] == "Opened"],
			"clicked": [one for one in said if one["type"] == "Click"],
			"answered": [
				one
				for one in said
				if one["type"] == "Reply"
				or (one["type"] == "Call" and one["answer"] not in ("Not Reached", "Unknown"))
			],
		}

	def consents(self, name: str) -> Row:
		events = []
		for _n in self.some(4):
			key = self.one(f"{name}@a", f"{name}+x@a", f"{name}@b")
			kind = self.one("Given", "Given", "Withdrawn")
			event = {
				"relation": name,
				"address_key": "*" if kind == "Withdrawn" and self.dice.random() < 0.2 else key,
				"mailbox_key": self.one("", key.replace("+x", "")),
				"channel": self.one("Email", "Phone", "Letter"),
				"purpose": self.one("Marketing", "Newsletter", "Measuring Opens"),
				"event": kind,
				"legal_basis": self.one(CONSENT, SALE),
				"given_at": self.moment(PAST),
			}
			events.append(event)
		rows = [(event, self.plant("Relation Consent", **event)["name"]) for event in events]

		def is_given(event: Row) -> bool:
			if event["legal_basis"] not in BASES[event["channel"]]:
				return False
			for other in events:
				if other["event"] != "Withdrawn" or other["channel"] != event["channel"]:
					continue
				same = (
					other["address_key"] in (event["address_key"], "*")
					or other["mailbox_key"] == event["mailbox_key"] != ""
				)
				bears = other["purpose"] in (event["purpose"], "Marketing")
				counts = other["given_at"] >= event["given_at"] or event["legal_basis"] != CONSENT
				if same and bears and counts:
					return False
			return True

		def is_objection(event: Row) -> bool:
			for other in events:
				if other["event"] != "Given" or other["legal_basis"] != CONSENT:
					continue
				same = all(other[key] == event[key] for key in ("address_key", "channel"))
				bears = other["purpose"] == event["purpose"] or (
					other["purpose"] == "Marketing" and event["purpose"] != "Measuring Opens"
				)
				if same and bears and other["given_at"] > event["given_at"]:
					return False
			return True

		found: Row = {"consent": [], "objection": []}
		for event, document in rows:
			if is_given(event) if event["event"] == "Given" else is_objection(event):
				found["consent" if event["event"] == "Given" else "objection"].append(
					{
						"date": event["given_at"],
						"channel": event["channel"],
						"purpose": event["purpose"],
						"legal_basis": event["legal_basis"],
						"document": document,
					}
				)
		return found

	def links(self) -> None:
		"""Draw relationships as seen from both ends, with the segments of the other relation."""
		for row in self.rows.values():
			row["relationship"] = []
		for _n in range(len(self.names)):
			mine, other = self.dice.sample(self.names, 2)
			values = {
				"link_type": self.one("works for", "knows"),
				"since": self.one(None, *DAYS),
				"until": self.one(None, *DAYS),
			}
			document = self.plant("Relation Link", relation=mine, related_relation=other, **values)["name"]
			for one, theirs, direction in (
				(mine, other, "From the Relation"),
				(other, mine, "To the Relation"),
			):
				self.rows[one]["relationship"].append(
					{
						"type": values["link_type"],
						"since": values["since"],
						"until": values["until"],
						"direction": direction,
						"other": theirs,
						"segment": self.rows[theirs]["segment"],
						"document": document,
					}
				)
