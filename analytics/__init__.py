"""Bounded context of analytics: read models of sales, built from the events of the others."""
