"""Management package of analytics."""
