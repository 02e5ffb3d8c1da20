"""Lead and Prospect as sources of relations, and the documents that prove the roles Lead and Prospect."""

SOURCES: list = []
