"""Email delivery: dispatch of due messages, the worker that sends them, and the preview."""
