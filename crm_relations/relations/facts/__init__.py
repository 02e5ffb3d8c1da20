"""Figures of a relation, derived set-based from submitted documents and kept up to date by a queue of changes."""
