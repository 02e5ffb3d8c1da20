"""Support for the tests of the ledger: documents, random chains of vouchers and their expected figures."""
