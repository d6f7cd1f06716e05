"""Private ZooKeeper, in which Apache Kafka 0.9 keeps its topics and its membership."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.kafka_binaries import KafkaPrograms

_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


@dataclass
class ZooKeeper:
    """ZooKeeper of one broker, with its data in ``home``."""

    home: Path
    port: int = field(init=False, default=0)
    _child: children.Child | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.log = self.home / "out.log"

    def start(self, programs: KafkaPrograms, *, log4j: Path, preferred_port: int) -> None:
        """Start it and wait until it answers."""
        ownership.wait_for_predecessor(self.home / "pid", str(self.home))
        self.port = ports.pick(self.port or preferred_port)
        settings = {
            "dataDir": self.home / "data",
            "clientPort": self.port,
            "clientPortAddress": ports.LOOPBACK,
            "maxClientCnxns": 0,
            "tickTime": 1000,
        }
        configuration = self.home / "zookeeper.properties"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        argv = programs.command(_MAIN, configuration, heap_mb=192, log4j=log4j)
        self._child = children.start_child(argv, env={"LANG": "C.UTF-8"}, log=self.log, cwd=self.home)
        (self.home / "pid").write_text(str(self._child.pid))
        ownership.wait_until_ready(
            "ZooKeeper", self._child, lambda: self._ask("ruok") == "imok", log=self.log, timeout=30
        )

    def stop(self) -> None:
        """Stop it: it stores each change at once, so it needs no farewell."""
        if self._child:
            children.kill_child(self._child)
            self._child = None

    def is_running(self) -> bool:
        return self._child is not None and not children.has_ended(self._child)

    def knows(self, path: str) -> bool:
        """Return whether a session holds the ephemeral node at ``path``."""
        return path in self._ask("dump").split()

    def _ask(self, word: str) -> str:
        """Return the answer to one of ZooKeeper's four-letter commands; empty if it does not answer."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), 1) as connection:
                connection.sendall(word.encode())
                with connection.makefile() as answer:
                    return answer.read()
        except OSError:
            return ""
