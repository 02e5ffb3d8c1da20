"""Support for tests of the ledger: documents, random chains and their expected figures."""
