"""Saved reports: written whole, read with limits, listed, joined, and without secrets."""
