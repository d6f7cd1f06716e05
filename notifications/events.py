"""notifications publishes nothing: it is the end of the line."""
