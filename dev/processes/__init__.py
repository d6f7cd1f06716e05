"""Child processes, their readiness, and the supervisor that keeps them running."""
