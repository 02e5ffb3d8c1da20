"""Manage consent: which people may be contacted through which channel, and the evidence for it."""
