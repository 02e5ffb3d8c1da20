"""Setup: installation, custom fields, indexes, initial records, and the checks of `relations check`."""
