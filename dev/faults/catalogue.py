"""Catalogue of all kinds of faults. Importing their modules registers them."""

from dev.faults import links, messages, processes, providers, servers
from dev.faults.kinds import KINDS, FaultKind

__all__ = ["all_kinds", "links", "messages", "processes", "providers", "servers"]


def all_kinds() -> list[FaultKind]:
    """Return all kinds sorted by name, so that a seed always gives the same schedule."""
    return sorted(KINDS, key=lambda kind: kind.name)
