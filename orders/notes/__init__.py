"""Notes of staff on orders, and tags."""
