"""Readings of all rooms, which are imported only where metrics are on."""

from console import metrics  # noqa: F401 - it registers its sources
