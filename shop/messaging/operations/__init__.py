"""Operators' view of the kernel: what is under way, what was lost, how long things are kept."""
