"""Measurement of the feed of events."""
