"""Storefront: the web pages for customers."""
