"""Every kind of fault there is; importing their modules registers them."""

from dev.faults import messages, processes, providers, servers, wires
from dev.faults.kinds import KINDS, Kind

__all__ = ["all_kinds", "messages", "processes", "providers", "servers", "wires"]


def all_kinds() -> list[Kind]:
    """All kinds, in the order of their names, so that a seed always means the same."""
    return sorted(KINDS, key=lambda kind: kind.name)
