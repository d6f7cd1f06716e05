"""Events of notifications: none."""
