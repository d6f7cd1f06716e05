"""Address book of customers."""
