"""Identity: which party documents belong to which relation, and the sync of a whole site."""
