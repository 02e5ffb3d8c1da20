"""Import opportunities exported from another CRM (csv) as relations, customers, items and sales documents.

`mapping` names files and columns, `rules` and `reader` read rows (all without Frappe). `masters` and `deals`
create documents with ERPNext's own functions. `records` records every row, and `run` calls them in order.
"""
