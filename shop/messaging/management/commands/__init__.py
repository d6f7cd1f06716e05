"""Commands of the kernel: documents of the events, and dead letters."""
