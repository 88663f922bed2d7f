"""Which analysis this is."""

VERSION = 10
"""Raised with every change of what is worked out, so that a cached analysis of an older kind is not used."""
