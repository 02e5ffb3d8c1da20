"""Uninstall: archive, references in other documents, and the restore of an archive."""
