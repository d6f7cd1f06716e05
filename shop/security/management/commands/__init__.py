"""Management commands of the database roles."""
