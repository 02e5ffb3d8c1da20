"""Who: identity, roles, profile and relationships of persons and organisations. Alone writes Relation, Relation Party and Relation Role."""
