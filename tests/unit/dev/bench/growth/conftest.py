"""The console tests' small shop, to make orders in bulk beside it."""

from tests.unit.console.conftest import shop

__all__ = ["shop"]
