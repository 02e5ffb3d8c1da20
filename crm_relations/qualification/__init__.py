"""Qualification: points with reasons, and the handover from marketing to sales.

Writes Relation Handover and the points of campaign members.
"""
