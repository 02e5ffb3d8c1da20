"""Tests of the package `campaigns`."""
