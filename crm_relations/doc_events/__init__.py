"""Document events: a module for each doctype, a function for each event, a list of named steps in each function."""
