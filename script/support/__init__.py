"""What the commands share: private servers, supervised processes, and the programs themselves."""
