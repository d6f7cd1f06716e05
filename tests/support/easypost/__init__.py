"""Stand-in for EasyPost's API, after its public reference: a server on loopback for the real SDK."""
