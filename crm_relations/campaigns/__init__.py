"""Addressed: audience, consent, delivery, tracking, responses, call list. Alone writes Relation Campaign Member, Send, Response and Relation Consent."""
