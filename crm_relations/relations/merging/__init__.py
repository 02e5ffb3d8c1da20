"""Merging of duplicates by users, with a snapshot that restores them."""
