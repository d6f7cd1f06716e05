"""Django apps of the context."""

from django.apps import AppConfig


class TablesConfig(AppConfig):
    """The tables alone. ``migrate --run-syncdb`` creates them: there are no migrations."""

    name = "dev.bench.consuming.context"
    label = "bench"


class BenchConfig(TablesConfig):
    """The tables and the consumers."""

    default = True

    def ready(self) -> None:
        from dev.bench.consuming.context import consumers  # noqa: F401
