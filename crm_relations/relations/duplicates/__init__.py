"""Duplicates: two relations that are one in truth. Keys, candidates with reasons, review, merge with undo.

Pure: `normal_forms`, `records`, `scoring`, `matching`. Alone write: `index` the Relation Blocking Key, `pairs` the Relation
Duplicate, `search` the Relation Duplicate Search, `merging` the Relation Merge."""
