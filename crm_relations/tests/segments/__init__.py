"""Tests of the package `segments`."""
