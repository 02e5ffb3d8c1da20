"""Build the campaign statement: figures by campaign, collected from the ledger.

Writes temporary tables only.
"""
