"""Attribute revenue to campaigns: by dimension, by rule and by attribution model.

Writes Relation Attribution.
"""
