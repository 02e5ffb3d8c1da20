"""Log interactions, manage follow-ups, and show the timeline of the customer file, which reads documents in
place.

Writes Relation Interaction and the tasks of its next steps.
"""
