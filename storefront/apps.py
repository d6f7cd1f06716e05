"""storefront: the customers' pages, which ask the contexts and tell them what customers decide."""

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    name = "storefront"
    label = "storefront"
