"""Sales page of the admin: a period beside the one before it."""
