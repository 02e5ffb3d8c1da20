"""Carry out manual steps: call list, letters and tasks."""
