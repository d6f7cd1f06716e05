"""Invoices of real shops, read from CSV."""
