"""The Django app of the operators' console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Configuration of the console app."""

    name = "console"
    label = "console"

    def ready(self) -> None:
        """Have the labels of all models translated: they are loaded by now."""
        from shop.adminkit.labels import translate_labels

        translate_labels()
