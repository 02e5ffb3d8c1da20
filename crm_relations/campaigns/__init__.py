"""Plan campaigns, enroll members, check consent, deliver the steps, and process the responses.

Writes members, sends, responses and consent of campaigns. Which module writes which of them:
docs/developer/ownership.md.
"""
