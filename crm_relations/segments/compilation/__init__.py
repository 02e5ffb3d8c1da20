"""Compilation of a segment's rule into one query."""
