"""Stand-in for Stripe's API, after its public reference: a server on loopback for the real SDK."""
