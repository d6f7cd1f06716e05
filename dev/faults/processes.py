"""Processes of the shop are killed, or asked to stop, at any moment; a supervisor starts them again."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from random import Random

from dev.faults.kinds import fault
from dev.faults.world import RELAYS, WORKERS, World
from dev.processes import children

_ROLES: dict[str, Sequence[str]] = {"worker": WORKERS, "relay": RELAYS, "web server": ("web",)}
_HOW = {"killed": signal.SIGKILL, "asked to stop": signal.SIGTERM}


def _register(role: str, names: Sequence[str], how: str, number: signal.Signals) -> None:
    @fault(f"{role} {how}", target=role)
    def main_process(world: World, chance: Random) -> Iterator[None]:
        children.send(world.supervisor[chance.choice(names)].child, number)
        yield

    @fault(f"child of {role} {how}", target=role)
    def child_process(world: World, chance: Random) -> Iterator[None]:
        for pid in children.offspring(world.supervisor[chance.choice(names)].child):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        yield


for _role, _names in _ROLES.items():
    for _how, _number in _HOW.items():
        _register(_role, _names, _how, _number)
