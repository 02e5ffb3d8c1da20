"""Deliver email: dispatch due messages, send them in workers, and preview them."""
