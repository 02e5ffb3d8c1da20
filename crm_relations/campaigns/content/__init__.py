"""Content of messages: templates, inlined styles and attachments, composed for one member."""
