"""Attribute invoice lines to campaigns, and build campaign statement, balance sheet, reports and accounting
dimension.

Writes Relation Attribution, the dimension, and the campaign of vouchers under repair. It never writes GL
Entry itself.
"""
