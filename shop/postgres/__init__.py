"""Fast access to PostgreSQL beside the ORM, for the repositories and queries of the contexts."""
