"""Exchange of relations with files: vCard and csv, in and out. Alone writes `Relation Import` and `Relation Export`."""
