"""Shared: what two or more packages use."""
