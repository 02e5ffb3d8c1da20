"""Relations: which documents are one person or organization, with roles, profile, network, figures and duplicates.

Writes Relation with its child tables and the records around it. Which module writes which of them: docs/developer/ownership.md.
"""
