"""Events of analytics: none."""
