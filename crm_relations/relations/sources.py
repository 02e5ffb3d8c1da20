"""The party documents of ERPNext's accounts and stock side, as sources of relations."""

SOURCES: list = []
