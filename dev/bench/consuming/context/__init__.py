"""A minimal context: its consumers write one row for each event."""
