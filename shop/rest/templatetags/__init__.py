"""Template tags of the REST interface's keys."""
