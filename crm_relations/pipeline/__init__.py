"""Pipeline: opportunities, the campaign of ERPNext's documents, and the document flow.

The only package that knows Lead, Prospect and Opportunity, through one adapter for each CRM. Writes relation and campaign of
ERPNext's documents.
"""
