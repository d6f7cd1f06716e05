"""The Django app of the operators' console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "shop.console"
    label = "console"
