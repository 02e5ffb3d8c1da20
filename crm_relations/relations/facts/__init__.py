"""Facts: figures of a relation, derived set-based from submitted documents and kept current by a queue of changes."""
