"""Storefront app: web pages for customers, based on the queries and services of the contexts."""

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """Configuration of the storefront app."""

    name = "storefront"
    label = "storefront"
