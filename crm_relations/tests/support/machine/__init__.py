"""Support for the tests: servers, a browser, copies of sites and failures of the machine."""
