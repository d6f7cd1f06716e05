"""Child processes and the supervisor of a running shop."""
