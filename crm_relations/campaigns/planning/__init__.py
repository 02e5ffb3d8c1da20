"""Plan a campaign: readiness, start and enrollment of members, schedule and link check."""
