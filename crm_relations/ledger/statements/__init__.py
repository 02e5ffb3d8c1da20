"""Campaign statement: figures by campaign, collected from the ledger. Writes nothing."""
