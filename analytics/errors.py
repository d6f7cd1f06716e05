"""Errors of analytics, one class each."""


class AnalyticsError(Exception):
    """An error of analytics."""


class RebuildRefused(AnalyticsError):
    """A rebuild cannot be made now."""


class RebuildRunning(RebuildRefused):
    """A rebuild of the read models is running already."""


class VersionBeside(RebuildRefused):
    """A second version of the read models is where this one would be made."""


class NoVersionBeside(RebuildRefused):
    """No version is beside the live one that could be promoted."""


class VersionMissing(RebuildRefused):
    """The code does not have this version of the projection."""
