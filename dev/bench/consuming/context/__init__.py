"""A context of the bench's own: what it does with an event is as little as a context can do, one row."""
