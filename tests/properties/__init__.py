"""Property-based tests: invariants of the shop under random histories."""
