"""Tests of the package `qualification`."""
