"""Finished orders in bulk: a few are placed, the others are copies of their rows."""
