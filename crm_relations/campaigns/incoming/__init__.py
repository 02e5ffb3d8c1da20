"""Responses: replies, clicks, bounces, complaints and imported lists, matched to their campaign."""
