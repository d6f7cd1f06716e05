"""The Django app of the operators' console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Configuration of the console app."""

    name = "console"
    label = "console"
