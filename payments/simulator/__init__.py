"""A payment provider to try things out: its own ledger in its own tables, reached only through the port."""
