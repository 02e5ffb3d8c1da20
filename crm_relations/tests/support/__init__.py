"""Support for tests: factories, people, mailings."""
