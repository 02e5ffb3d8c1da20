"""Handed over: the only place that knows Lead and Opportunity; one adapter a back-end. Carries relation and campaign along ERPNext's documents."""
