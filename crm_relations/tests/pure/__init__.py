"""Tests that need no bench: rules in pure Python, the architecture."""
