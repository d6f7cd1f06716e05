"""Faults of processes: they are killed or asked to stop; the supervisor restarts them."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from random import Random

from dev.faults.kinds import fault
from dev.faults.system import RELAYS, WORKERS, System
from dev.processes import children

_ROLES: dict[str, Sequence[str]] = {"worker": WORKERS, "relay": RELAYS, "web server": ("web",)}
_SIGNALS = {"killed": signal.SIGKILL, "asked to stop": signal.SIGTERM}


def _register(role: str, names: Sequence[str], how: str, number: signal.Signals) -> None:
    @fault(f"{role} {how}", target=role)
    def main_process(system: System, chance: Random) -> Iterator[None]:
        children.send(system.supervisor[chance.choice(names)].child, number)
        yield

    @fault(f"child of {role} {how}", target=role)
    def child_process(system: System, chance: Random) -> Iterator[None]:
        for pid in children.child_pids(system.supervisor[chance.choice(names)].child):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        yield


for _role, _names in _ROLES.items():
    for _how, _number in _SIGNALS.items():
        _register(_role, _names, _how, _number)
