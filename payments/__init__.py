"""Bounded context of payments: charges customers and refunds them."""
