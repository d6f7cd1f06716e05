"""Guards of the web processes: limits of requests, deadlines, and plain answers to what exceeds them."""
