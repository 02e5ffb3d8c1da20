"""Attribute invoice lines to campaigns, and report on campaigns from the ledger.

Writes Relation Attribution, the accounting dimension, and the campaign of vouchers under repair. Never writes
GL Entry itself.
"""
