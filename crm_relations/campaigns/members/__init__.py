"""Manage the members of a campaign: status, control group, A/B test groups and assignment to users."""
