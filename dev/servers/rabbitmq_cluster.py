"""Private RabbitMQ cluster of three nodes that can be killed and partitioned."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dev.errors import ScriptError
from dev.processes import ports
from dev.servers.epmd import Epmd
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.rabbitmq_binaries import rabbitmq_programs

T = TypeVar("T")
NAMES = ("shop1@localhost", "shop2@localhost", "shop3@localhost")
#: A node in the minority pauses and refuses its clients, which then connect to the others.
_SETTINGS = {
    "cluster_partition_handling": "pause_minority",
    "cluster_formation.peer_discovery_backend": "classic_config",
    **{f"cluster_formation.classic_config.nodes.{number}": name for number, name in enumerate(NAMES, 1)},
}
#: Seconds for a node to notice that another has gone or come back.
_TIMEOUT = 50


class RabbitCluster:
    """Cluster with its data in ``home``; the nodes share epmd, cookie and password."""

    def __init__(self, home: Path, *, programs_home: Path, preferred_port: int = 29672) -> None:
        self._epmd, self._epmd_port = Epmd(home / "epmd.log"), preferred_port - 1
        self._programs_home = programs_home
        self._cut_off: set[str] = set()
        self.nodes = {
            name: RabbitMQ(
                home / name.partition("@")[0],
                programs_home=programs_home,
                preferred_port=preferred_port + 10 * number,
                name=name,
                settings=_SETTINGS,
                credentials=home,
                shared_epmd=self._epmd,
            )
            for number, name in enumerate(NAMES)
        }

    def url(self, vhost: str = "/") -> str:
        """Return the URLs of all nodes in the format of ``CELERY_BROKER_URL``."""
        return ";".join(node.url(vhost) for node in self.nodes.values())

    def create(self) -> None:
        """Start all nodes without data and wait until they form a cluster.

        A failure is tried again once, like the start of a single node.
        """
        try:
            self._create()
        except ScriptError:
            self.kill_all()
            self._create()

    def _create(self) -> None:
        for node in self.nodes.values():
            node.erase()
        epmd = rabbitmq_programs(self._programs_home).erlang / "epmd"
        self._epmd.start(epmd, preferred_port=self._epmd_port)
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            node.wait_ready()
        self.wait_until_whole(NAMES[0])

    def running(self) -> RabbitMQ:
        """Return a node of the majority that serves clients."""
        nodes = [node for name, node in self.nodes.items() if name not in self._cut_off]
        return _wait(
            lambda: [node for node in nodes if node.is_running() and node.answers_handshake()],
            "a node serves clients",
        )[0]

    def add_vhost(self, name: str) -> str:
        """Create a virtual host and return its URLs."""
        self.running().add_vhost(name)
        return self.url(name)

    def leaders(self, vhost: str) -> dict[str, str]:
        """Return the leader of each quorum queue of ``vhost``, as the majority sees it."""
        listed = self.running().control("list_queues", "--no-table-headers", "-p", vhost, "name", "leader")
        return dict(line.split("\t") for line in listed.splitlines())

    def busiest(self, vhost: str) -> str:
        """Return the node with the most client connections to ``vhost``."""
        listed = self.running().control("list_connections", "--no-table-headers", "vhost", "port")
        busy = Counter(port for where, port in map(str.split, listed.splitlines()) if where == vhost)
        [(port, _)] = busy.most_common(1)
        return next(name for name, node in self.nodes.items() if str(node.port) == port)

    def wait_until_whole(self, seen_by: str) -> None:
        """Wait until all nodes accept clients and the node ``seen_by`` sees all others."""
        for node in self.nodes.values():
            node.wait_ready()
        self.nodes[seen_by].control("await_online_nodes", str(len(self.nodes)), "--timeout", str(_TIMEOUT))

    # --- Faults ---

    def kill(self, name: str) -> None:
        """Kill a node."""
        self.nodes[name].kill()

    def start(self, name: str) -> None:
        """Restart a killed node and wait until the cluster is complete."""
        self.nodes[name].start()
        self.wait_until_whole(name)

    def cut_off(self, name: str) -> None:
        """Partition a node from the others, in both directions, and wait until it pauses.

        Its clients still reach it. Erlang nodes connect only if both know the same cookie: with another
        cookie for its peers, the node refuses them and is refused by them.
        """
        self._cut_off.add(name)
        for_peers = "erlang:set_cookie(N, cut_off), erlang:disconnect_node(N)"
        self.nodes[name].control("eval", f"[begin {for_peers} end || N <- nodes()].")
        _wait(lambda: not ports.is_listening(self.nodes[name].port), f"{name} pauses")

    def heal(self, name: str) -> None:
        """Reconnect a partitioned node and wait until the cluster is complete."""
        peers = ", ".join(f"'{peer}'" for peer in self.nodes if peer != name)
        self.nodes[name].control("eval", f"[erlang:set_cookie(N, erlang:get_cookie()) || N <- [{peers}]].")
        self._cut_off.discard(name)
        self.wait_until_whole(name)

    def mend(self) -> None:
        """Restart all killed nodes and reconnect all partitioned ones."""
        for name in [*self._cut_off]:
            self.heal(name)
        for name in [name for name, node in self.nodes.items() if not node.is_running()]:
            self.start(name)

    def kill_all(self) -> None:
        """Kill all nodes and epmd."""
        for node in self.nodes.values():
            node.kill()
        self._epmd.stop()


def _wait(condition: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + _TIMEOUT
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise ScriptError(f"not within {_TIMEOUT} s: {what}")
        time.sleep(0.05)
    return found
