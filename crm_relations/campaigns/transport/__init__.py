"""Transport email: SMTP connections, sender accounts, rate limits, pauses and signed links."""
