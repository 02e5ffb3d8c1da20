"""Segments and lists: the relations behind the rows of a list, and lists narrowed to a segment. Writes nothing itself."""
