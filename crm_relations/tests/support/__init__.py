"""Support for the tests: factories, people and mailings."""
