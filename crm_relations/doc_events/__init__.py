"""ERPNext → us. A file is a doctype, a function its event, a body a list of named steps."""
