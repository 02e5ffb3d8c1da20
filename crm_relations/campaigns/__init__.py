"""Campaigns: planning, members, consent, delivery, and the responses that come back.

Writes members, sends, responses and consent of campaigns. Which module writes which of them: docs/developer/ownership.md.
"""
