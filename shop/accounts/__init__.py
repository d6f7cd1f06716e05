"""Accounts: login doors, API keys, confirmation of addresses, and the journal of who did what."""
