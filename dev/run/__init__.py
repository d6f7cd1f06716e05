"""script/run: a complete shop on this machine."""
