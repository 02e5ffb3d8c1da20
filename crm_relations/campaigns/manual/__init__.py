"""Manual steps: call list, letters and tasks."""
