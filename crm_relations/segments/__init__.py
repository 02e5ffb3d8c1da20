"""Segments: catalog of fields, rules, their compilation to one SQL statement, and dated members.

Writes the members of segments, their rules and queues.
"""
