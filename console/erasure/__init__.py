"""Erasure and export of what the shop keeps about a customer."""
