"""Competitors of the shop. These modules run in a virtual environment of their own."""
