"""Serve ERPNext's CRM as the back-end of the pipeline: Lead, Prospect and Opportunity.

No other package names them.

Writes Opportunity, Lead, and ERPNext's own campaign field with its list of campaigns.
"""
