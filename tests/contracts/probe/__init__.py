"""Context for tests of messaging; it is no part of the shop."""
