"""Ledger: attribution of invoice lines, campaign statement, balance sheet, reports and accounting dimension.

Writes Relation Attribution. It never writes rows of the ledger.
"""
