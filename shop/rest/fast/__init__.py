"""Replacements for parts of Django REST framework that take too long."""
