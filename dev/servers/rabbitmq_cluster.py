"""Three private RabbitMQ nodes in one cluster, to kill, to cut off and to mend."""

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
#: A node that sees itself in the minority pauses: it refuses clients, who go to the others.
_SETTINGS = {
    "cluster_partition_handling": "pause_minority",
    "cluster_formation.peer_discovery_backend": "classic_config",
    **{f"cluster_formation.classic_config.nodes.{number}": name for number, name in enumerate(NAMES, 1)},
}
#: Seconds for a node to see that another has gone or come back.
_PATIENCE = 50


class RabbitCluster:
    """Nodes below ``home`` with ports from ``preferred_port`` on, one epmd, one cookie and one password."""

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
                family=home,
                shared_epmd=self._epmd,
            )
            for number, name in enumerate(NAMES)
        }

    def url(self, vhost: str = "/") -> str:
        """The URLs of all nodes, as ``CELERY_BROKER_URL`` takes them."""
        return ";".join(node.url(vhost) for node in self.nodes.values())

    def create(self) -> None:
        """Start all nodes anew, without data, and wait until they are one cluster.

        Tried twice, as the start of a single node is.
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
        """A node that serves clients, of the majority."""
        nodes = [node for name, node in self.nodes.items() if name not in self._cut_off]
        return _wait(
            lambda: [node for node in nodes if node.is_running() and node.greets()], "a node serves clients"
        )[0]

    def add_vhost(self, name: str) -> str:
        """Make a virtual host on the whole cluster and return its URLs."""
        self.running().add_vhost(name)
        return self.url(name)

    def leaders(self, vhost: str) -> dict[str, str]:
        """Which node leads each quorum queue of ``vhost``, as the majority sees it."""
        listed = self.running().control("list_queues", "--no-table-headers", "-p", vhost, "name", "leader")
        return dict(line.split("\t") for line in listed.splitlines())

    def busiest(self, vhost: str) -> str:
        """The node that most clients of ``vhost`` are connected to."""
        listed = self.running().control("list_connections", "--no-table-headers", "vhost", "port")
        busy = Counter(port for where, port in map(str.split, listed.splitlines()) if where == vhost)
        [(port, _)] = busy.most_common(1)
        return next(name for name, node in self.nodes.items() if str(node.port) == port)

    def wait_until_whole(self, seen_by: str) -> None:
        """Wait until all nodes take clients, and this one sees all others."""
        for node in self.nodes.values():
            node.wait_ready()
        self.nodes[seen_by].control("await_online_nodes", str(len(self.nodes)), "--timeout", str(_PATIENCE))

    # --- What can go wrong ---

    def kill(self, name: str) -> None:
        """End a node as a crash would."""
        self.nodes[name].kill()

    def start(self, name: str) -> None:
        """Start a node again that was killed, and wait until the cluster is whole."""
        self.nodes[name].start()
        self.wait_until_whole(name)

    def cut_off(self, name: str) -> None:
        """Part a node from the others, whichever side dials; its clients still reach it.

        Erlang's nodes talk only to who knows the same cookie: with another one for its peers the node refuses
        them, and is refused by them. Returns once it has paused.
        """
        self._cut_off.add(name)
        for_peers = "erlang:set_cookie(N, cut_off), erlang:disconnect_node(N)"
        self.nodes[name].control("eval", f"[begin {for_peers} end || N <- nodes()].")
        _wait(lambda: not ports.answers(self.nodes[name].port), f"{name} pauses")

    def heal(self, name: str) -> None:
        """Connect a node again that was cut off, and wait until the cluster is whole."""
        peers = ", ".join(f"'{peer}'" for peer in self.nodes if peer != name)
        self.nodes[name].control("eval", f"[erlang:set_cookie(N, erlang:get_cookie()) || N <- [{peers}]].")
        self._cut_off.discard(name)
        self.wait_until_whole(name)

    def mend(self) -> None:
        """Start and connect again whatever was killed or cut off."""
        for name in [*self._cut_off]:
            self.heal(name)
        for name in [name for name, node in self.nodes.items() if not node.is_running()]:
            self.start(name)

    def kill_all(self) -> None:
        """End all of it at once."""
        for node in self.nodes.values():
            node.kill()
        self._epmd.stop()


def _wait(condition: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + _PATIENCE
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise ScriptError(f"not within {_PATIENCE} s: {what}")
        time.sleep(0.05)
    return found
