"""Audit of the whole shop: checks that the contexts agree on every order, product and event."""

from console.audit.report import Report, Violation
from console.audit.runner import audit

__all__ = ["Report", "Violation", "audit"]
