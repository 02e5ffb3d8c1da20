"""Profile of a relation: attributes, completeness and history of changes."""
