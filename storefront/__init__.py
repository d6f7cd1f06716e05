"""Storefront: the customers' pages."""
