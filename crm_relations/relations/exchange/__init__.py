"""Exchange of relations with files: vCard, csv and Excel. Writes Relation Import and Relation Export."""
