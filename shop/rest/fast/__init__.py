"""Faster replacements for parts of Django REST framework."""
