"""The opportunity export of another CRM (csv) → relations, customers, items and the sales chain of ERPNext.

`mapping` names files and columns, `rules` and `reader` read rows (both without frappe), `masters` and `deals`
make ERPNext's documents by ERPNext's own functions, `records` remembers every row, `run` is the way through.
"""
