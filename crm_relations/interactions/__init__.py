"""Answered: the log of interactions, follow-ups, and the timeline of the customer file, which reads in place and copies nothing."""
