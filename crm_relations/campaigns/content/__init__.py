"""Compose the content of messages for one member: templates, inlined styles and attachments."""
