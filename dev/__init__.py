"""Workshop of the project: everything behind the commands in script/. Never deployed."""
