"""Returns: goods that come back after their delivery, line by line, and the money that follows them."""
