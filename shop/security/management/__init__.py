"""Management of the database roles."""
