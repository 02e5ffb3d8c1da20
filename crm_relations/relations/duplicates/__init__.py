"""Possible duplicates: blocking keys, candidates with reasons, and the decisions of users.

`normalization`, `records`, `scoring` and `matching` import no Frappe. `index` writes Relation Blocking Key, `pairs` Relation Duplicate,
`search` Relation Duplicate Search.
"""
