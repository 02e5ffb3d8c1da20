"""Tests of the package `interactions`."""
