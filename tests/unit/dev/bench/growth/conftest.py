"""The small shop of the console tests."""

from tests.unit.console.conftest import shop

__all__ = ["shop"]
