"""Development tools behind the commands in script/. Never deployed."""
