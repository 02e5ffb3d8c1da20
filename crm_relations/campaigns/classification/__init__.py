"""Classify incoming email: reply, absence notice, bounce or objection. Pure Python, writes nothing."""
