"""Build the balance sheet of a campaign, explain its differences and repair them. Only `repair` writes."""
