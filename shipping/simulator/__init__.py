"""A carrier to try things out: its own books in its own tables, reached only through the port."""
