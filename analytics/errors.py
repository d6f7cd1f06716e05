"""What can go wrong in analytics, one class each."""


class AnalyticsError(Exception):
    """Something went wrong in analytics."""


class RebuildRunning(AnalyticsError):
    """The read models are being rebuilt already; one rebuild at a time."""
