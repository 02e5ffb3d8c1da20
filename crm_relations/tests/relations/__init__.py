"""Tests of the package `relations`."""
