"""The process chain: every document before and after one document, as a graph. Writes nothing.

`model` says what a station is and how documents name each other, `stations` and the lists of the hook
`relation_chain_stations` declare them, `graph` reads the chain, `rules` puts it in columns.
"""
