"""Analysis of segments: breakdown, overlap, explanation of a member, export."""
