"""Lists and segments: the relations behind the rows of a list, and lists filtered by a segment. Writes nothing."""
