"""Bounded context of inventory: keeps the catalogue, and takes stock for orders."""
