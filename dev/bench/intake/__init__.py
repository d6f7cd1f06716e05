"""script/bench intake: cost of accepting an order, over HTTP and without it."""
