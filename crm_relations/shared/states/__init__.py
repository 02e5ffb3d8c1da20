"""States: the base of the app's enumerations, and the transitions that a record may make."""
