"""Serve the guest pages of recipients: preferences, opt-in and unsubscribe."""
