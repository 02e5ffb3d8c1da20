"""Check whether a planned step may still reach a member now."""
