"""Building blocks of the admin: keyset lists, read-only pages, filters."""
