"""Description of rules and segments in words, and the schema of the rule builder."""
