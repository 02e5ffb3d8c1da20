"""Report on the ledger: quote to cash, receivables, comparison, drill-down and print. Writes nothing."""
