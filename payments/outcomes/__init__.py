"""Outcomes of payments, stored and published in the caller's unit of work."""
