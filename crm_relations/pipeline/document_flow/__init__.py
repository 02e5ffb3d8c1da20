"""Show the document flow: every document before and after one document, as a graph. Writes nothing.

`model` defines a node and how documents name each other. `nodes` and the lists of the hook
`relation_flow_nodes` declare the nodes. `graph` reads the flow, and `rules` arranges it in columns.
"""
