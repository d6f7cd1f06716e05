"""Finished orders by the million, for measurements: a few are placed, the rest are copies of their rows."""
