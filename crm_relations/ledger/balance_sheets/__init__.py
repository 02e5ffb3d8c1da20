"""Balance sheet of a campaign: its part of each account, differences and their repair."""
