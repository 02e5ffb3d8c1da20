"""Consent: who may be contacted through which channel, and the evidence for it."""
