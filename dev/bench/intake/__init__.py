"""What accepting orders costs, over HTTP and without it, and what becomes of more than the chain can take."""
