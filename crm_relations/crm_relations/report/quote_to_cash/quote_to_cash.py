"""Show each deal from quotation to cash, with the days between its documents (`ledger.reports.quote_to_cash`)."""

from typing import Any

import frappe
from frappe import _
from frappe.utils import add_months, getdate, nowdate

from crm_relations.ledger.api import READERS, check_company
from crm_relations.ledger.reports.quote_to_cash import GAPS, STATIONS, Asked, Deal, deals, medians
from crm_relations.ledger.statements.splitting import ZERO
from crm_relations.ledger.statements.statement import company_or_default
from crm_relations.shared.refusals import refuse

DOCUMENTS = (("quotation", "Quotation"), ("order", "Sales Order"), ("delivery", "Delivery Note"))


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart and summary; amounts are net in the company's currency, `open` with tax."""
	frappe.only_for(READERS)
	wanted = frappe._dict(filters or {})
	company = company_or_default(wanted.company)
	check_company(company, (*(doctype for _station, doctype in DOCUMENTS), "Sales Invoice"))
	to_date = str(getdate(wanted.to_date or nowdate()))
	from_date = str(getdate(wanted.from_date or add_months(to_date, -12)))
	if from_date > to_date:
		refuse(_("From Date {0} is after To Date {1}."), from_date, to_date)
	found = deals(Asked(company, from_date, to_date, tuple(frappe.parse_json(wanted.campaigns) or ())))
	if wanted.station:
		found = [deal for deal in found if deal.station == wanted.station]
	currency = frappe.get_cached_value("Company", company, "default_currency")
	return columns(), rows(found, currency), None, chart(found), summary(found, currency)


def stations() -> dict[str, str]:
	"""Station → its name."""
	return dict(
		zip(
			STATIONS, (_("Quoted"), _("Ordered"), _("Goods Delivered"), _("Invoiced"), _("Paid")), strict=True
		)
	)


def gaps() -> dict[str, str]:
	"""Gap → what it is called."""
	labels = (
		_("Days to Order"),
		_("Days to Delivery"),
		_("Days to Invoice"),
		_("Days to Payment"),
		_("Total Days"),
	)
	return dict(zip(GAPS, labels, strict=True))


def columns() -> list[dict[str, Any]]:
	def link(name: str, label: str, doctype: str, width: int = 150) -> dict[str, Any]:
		return {"fieldname": name, "label": label, "fieldtype": "Link", "options": doctype, "width": width}

	def amount(name: str, label: str) -> dict[str, Any]:
		kind = {"fieldtype": "Currency", "options": "currency", "width": 120}
		return {"fieldname": name, "label": label, **kind}

	dates = [
		{"fieldname": name, "label": label, "fieldtype": "Date", "width": 100}
		for name, label in stations().items()
	]
	return [
		{"fieldname": "customer", "label": _("Customer"), "fieldtype": "Data", "width": 180},
		link("campaign", _("Campaign"), "Relation Campaign"),
		{"fieldname": "station", "label": _("Last Document"), "fieldtype": "Data", "width": 110},
		*(
			{"fieldname": name, "label": label, "fieldtype": "Int", "width": 135}
			for name, label in gaps().items()
		),
		link("quotation", _("Quotation"), "Quotation"),
		dates[0],
		link("order", _("Sales Order"), "Sales Order"),
		dates[1],
		link("delivery", _("Delivery Note"), "Delivery Note"),
		dates[2],
		link("invoice", _("Sales Invoice"), "Sales Invoice"),
		{"fieldname": "invoices", "label": _("Invoices"), "fieldtype": "Int", "width": 80},
		dates[3],
		dates[4],
		amount("amount_quoted", _("Quoted Amount")),
		amount("amount_ordered", _("Ordered Amount")),
		amount("amount_invoiced", _("Invoiced Amount")),
		amount("open", _("Open")),
		{"fieldname": "person", "label": _("Sales Person"), "fieldtype": "Data", "width": 140},
		{"fieldname": "chain", "label": _("Document Flow"), "fieldtype": "Data", "width": 120},
		{
			"fieldname": "currency",
			"label": _("Currency"),
			"fieldtype": "Link",
			"options": "Currency",
			"width": 80,
		},
	]


def rows(found: list[Deal], currency: str) -> list[dict[str, Any]]:
	"""Return a row per deal, and the medians and sums below."""
	names = stations()
	shown = []
	for deal in found:
		doctype, name = deal.first_document()
		shown.append(
			{
				"customer": deal.customer,
				"campaign": deal.campaign,
				"station": names[deal.station],
				**{gap: deal.gap(gap) for gap in GAPS},
				**{field: getattr(deal, field) for field, _doctype in DOCUMENTS},
				"invoice": next(iter(deal.invoices), None),
				"invoices": len(deal.invoices) or None,
				**deal.days,
				"amount_quoted": _shown(deal.amount_quoted),
				"amount_ordered": _shown(deal.amount_ordered),
				"amount_invoiced": _shown(deal.invoiced) if deal.invoices else None,
				"open": _shown(deal.open) if deal.invoices else None,
				"person": deal.person,
				"chain": name,
				"chain_doctype": doctype,
				"currency": currency,
			}
		)
	if shown:
		blank = {column["fieldname"]: None for column in columns()}
		shown.append({**blank, "customer": _("Median"), **_rounded(medians(found)), "bold": 1})
		sums = {
			name: sum(row[name] or 0 for row in shown[:-1]) for name in ("amount_quoted", "amount_ordered")
		}
		sums |= {
			"amount_invoiced": float(sum((deal.invoiced for deal in found), ZERO)),
			"open": float(sum((deal.open for deal in found), ZERO)),
		}
		sums = {name: round(value, 2) for name, value in sums.items()}
		shown.append({**blank, "customer": _("Sum"), **sums, "currency": currency, "bold": 1})
	return shown


def _shown(value: Any) -> float | None:
	return None if value is None else float(value)


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
	"""Half days stay half days: 2.5."""
	return {
		name: None if value is None else int(value) if value == int(value) else value
		for name, value in values.items()
	}


def chart(found: list[Deal]) -> dict[str, Any] | None:
	known = medians(found)
	if not any(value is not None for value in known.values()):
		return None
	return {
		"data": {
			"labels": list(gaps().values()),
			"datasets": [{"name": _("Median of Days"), "values": [known[name] or 0 for name in GAPS]}],
		},
		"type": "bar",
		"fieldtype": "Float",
	}


def summary(found: list[Deal], currency: str) -> list[dict[str, Any]]:
	quoted = [deal for deal in found if deal.quotation]
	ordered = [deal for deal in quoted if deal.order]
	in_all = medians(found)["in_all"]
	cards = [{"label": _("Deals"), "value": len(found), "datatype": "Int", "indicator": "Blue"}]
	if quoted:
		share = _("{0} of {1}").format(len(ordered), len(quoted))
		cards.append(
			{"label": _("Quotations Ordered"), "value": share, "datatype": "Data", "indicator": "Green"}
		)
	if in_all is not None:
		cards.append(
			{
				"label": _("Median: Start to Payment (Days)"),
				"value": in_all,
				"datatype": "Float",
				"precision": 1,
				"indicator": "Blue",
			}
		)
	for label, amount in (
		(_("Invoiced Amount"), sum((deal.invoiced for deal in found), ZERO)),
		(_("Open"), sum((deal.open for deal in found), ZERO)),
	):
		cards.append(
			{
				"label": label,
				"value": float(amount),
				"datatype": "Currency",
				"currency": currency,
				"indicator": "Blue",
			}
		)
	return cards
