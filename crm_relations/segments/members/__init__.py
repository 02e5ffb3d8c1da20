"""Members of segments: refresh, queue of changes, dependencies and health."""
