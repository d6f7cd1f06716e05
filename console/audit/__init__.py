"""Audit of the whole shop: what all contexts say of each order, product and event fits together."""

from console.audit.report import Report, Violation
from console.audit.runner import audit

__all__ = ["Report", "Violation", "audit"]
