"""The rule language: conditions, operators and their validation. Pure Python."""
