"""Orders: a bounded context. Accepts orders, follows them to their end, cancels them."""
