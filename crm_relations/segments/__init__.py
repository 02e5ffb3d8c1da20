"""Whom: field catalogue, rule tree, compiler to one SQL statement, dated membership. Alone writes Relation Segment Member."""
