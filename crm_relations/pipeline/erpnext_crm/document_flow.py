"""Declare the CRM nodes of the document flow: lead, prospect, opportunity and their quotations.

Writes nothing.
"""

from frappe.query_builder.functions import NullIf

from crm_relations.pipeline.document_flow.model import FlowNode, link
from crm_relations.pipeline.document_flow.nodes import (
	CAMPAIGN,
	HANDOVER,
	of_answer,
	of_campaign,
	sales_columns,
)

STATIONS: list[FlowNode] = [
	FlowNode(
		"Lead",
		lambda table: {
			"title": table.lead_name,
			"status": table.status,
			"person": table.lead_owner,
			"company": table.company,
		},
		links=(
			link(CAMPAIGN, "Lead", later_field="name", earlier_field="relation_campaign"),
			of_answer("Lead"),
		),
		deal=False,
	),
	FlowNode(
		"Prospect",
		lambda table: {
			"title": table.company_name,
			"person": table.prospect_owner,
			"company": table.company,
		},
		links=(link("Lead", "Prospect Lead", earlier_field="lead"),),
		deal=False,
	),
	FlowNode(
		"Opportunity",
		lambda table: {
			"title": table.title,
			"date": table.transaction_date,
			"amount": NullIf(table.base_opportunity_amount, 0),
			"status": table.status,
			"person": table.opportunity_owner,
			"company": table.company,
		},
		links=(
			link(
				"Lead",
				"Opportunity",
				later_field="name",
				earlier_field="party_name",
				opportunity_from="Lead",
			),
			link(
				"Prospect",
				"Opportunity",
				later_field="name",
				earlier_field="party_name",
				opportunity_from="Prospect",
			),
			link(
				HANDOVER,
				HANDOVER,
				later_field="document_name",
				earlier_field="name",
				document_type="Opportunity",
			),
			link(CAMPAIGN, "Opportunity", later_field="name", earlier_field="relation_campaign"),
			of_answer("Opportunity"),
		),
	),
	FlowNode(
		"Quotation",
		lambda table: {
			**{column: table[field] for column, field in sales_columns().items()},
			"person": table.owner,
		},
		links=(
			link("Opportunity", "Quotation", later_field="name", earlier_field="opportunity"),
			link(
				"Opportunity",
				"Quotation Item",
				earlier_field="prevdoc_docname",
				prevdoc_doctype="Opportunity",
			),
			link("Lead", "Quotation", later_field="name", earlier_field="party_name", quotation_to="Lead"),
			of_campaign("Quotation Item"),
			of_answer("Quotation", "Quotation Item"),
		),
	),
]
