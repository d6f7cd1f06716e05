"""Private epmd, Erlang's port mapper. One that RabbitMQ starts itself is shared and outlives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.processes import children, ports
from dev.servers import ownership


@dataclass
class Epmd:
    """Port mapper of one node, or of the nodes of one cluster."""

    log: Path
    port: int = field(init=False, default=0)
    _child: children.Child | None = field(init=False, default=None)

    def start(self, program: Path, *, preferred_port: int) -> None:
        """Start it on ``preferred_port`` or one near it."""
        self.port = ports.pick(preferred_port)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        argv = [str(program), "-address", ports.LOOPBACK, "-port", str(self.port)]
        env = {"PATH": str(program.parent), "LANG": "C.UTF-8"}
        self._child = children.start_child(argv, env=env, log=self.log, cwd=self.log.parent)
        ownership.wait_until_ready(
            "epmd", self._child, lambda: ports.is_listening(self.port), log=self.log, timeout=10
        )

    def stop(self) -> None:
        """Kill it: it has no state to save."""
        if self._child:
            children.kill_child(self._child)
            self._child = None

    def is_running(self) -> bool:
        return self._child is not None and not children.has_ended(self._child)

    def environment(self) -> Mapping[str, str]:
        """Return the variables that make Erlang's programs use this one."""
        return {"ERL_EPMD_PORT": str(self.port), "ERL_EPMD_ADDRESS": ports.LOOPBACK}
