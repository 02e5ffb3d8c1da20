"""Carry relation and campaign along ERPNext's documents, open opportunities, and show the document flow.

The only package that knows Lead, Prospect and Opportunity, through one adapter for each CRM. Writes relation
and campaign of ERPNext's documents, opportunities and leads, and the documents of an import.
"""
