"""Drill of a restore: a shop under load loses its database, and the runbook's steps bring it back."""
