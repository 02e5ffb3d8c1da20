"""Relationships between relations: link types, links, groups and graph."""
