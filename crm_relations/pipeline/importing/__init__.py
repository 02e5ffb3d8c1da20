"""Import of opportunities exported from another CRM (csv) as relations, customers, items and sales documents.

`mapping` names files and columns, `rules` and `reader` read rows (both without Frappe), `masters` and `deals` create documents with
ERPNext's own functions, `records` remembers every row, `run` calls them in order.
"""
