"""A context of the tests' own, to try messaging with: it belongs to no shop."""
