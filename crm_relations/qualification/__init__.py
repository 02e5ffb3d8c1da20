"""Qualify campaign members by points with reasons, and hand them over from marketing to sales.

Writes Relation Handover and the points of campaign members.
"""
