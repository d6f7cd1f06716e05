"""Fault injection: a shop under load is hit by a seeded schedule of faults, then audited."""
