"""Tests of the package `setup`."""
