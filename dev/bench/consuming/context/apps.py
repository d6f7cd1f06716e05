"""The context as Django knows it."""

from django.apps import AppConfig


class TablesConfig(AppConfig):
    """The tables alone; without migrations: ``migrate --run-syncdb`` makes them."""

    name = "dev.bench.consuming.context"
    label = "bench"


class BenchConfig(TablesConfig):
    """With the consumers."""

    default = True

    def ready(self) -> None:
        from dev.bench.consuming.context import consumers  # noqa: F401
