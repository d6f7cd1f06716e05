"""Errors of analytics, one class each."""


class AnalyticsError(Exception):
    """An error of analytics."""


class RebuildRunning(AnalyticsError):
    """A rebuild of the read models is running already."""
