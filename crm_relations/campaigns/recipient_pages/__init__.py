"""Guest pages of recipients: preferences, opt-in and unsubscribe."""
