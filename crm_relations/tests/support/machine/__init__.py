"""Support for tests: servers, browser, copies of sites, failures of the machine."""
