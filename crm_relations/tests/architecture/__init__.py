"""Tests of the source itself: layers, names, texts and scripts."""
