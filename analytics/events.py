"""analytics publishes nothing: it only listens."""
