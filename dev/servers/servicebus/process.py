"""Private stand-in for Azure Service Bus: a direct child process with its own port."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.child_server import ChildServer
from dev.servers.servicebus.shop_entities import shop_entities

NAME = "stand-in for Service Bus"
NOTICE = (
    "Service Bus is a stand-in here: client and AMQP 1.0 are real, the semantics are ours. "
    "What it holds ends with it."
)


@dataclass
class ServiceBusStandIn(ChildServer):
    """Process of the stand-in. All of its messages are in memory, and end with it."""

    home: Path
    #: Entities, as in the Config.json of Microsoft's emulator; None for those of the shop.
    config: dict[str, Any] | None = None
    preferred_port: int = 28672
    port: int = field(init=False, default=0)
    child: children.Child | None = field(init=False, default=None)
    #: What whoever starts it has to know.
    notice: str = field(init=False, default=NOTICE)

    def __post_init__(self) -> None:
        self.log = self.home / "out.log"

    def url(self) -> str:
        """Return the connection string. The key is no secret: every key is good."""
        return (
            f"Endpoint=sb://{ports.LOOPBACK}:{self.port};SharedAccessKeyName=stand-in;"
            "SharedAccessKey=c3RhbmQtaW4=;UseDevelopmentEmulator=true;"
        )

    def _launch(self, timeout: float) -> None:
        ownership.wait_for_predecessor(self.home / "pid", str(self.home))
        self.home.mkdir(parents=True, exist_ok=True)
        config = self.home / "Config.json"
        config.write_text(json.dumps(self.config or shop_entities(), indent=2), encoding="utf-8")
        self.port = ports.pick(self.port or self.preferred_port)
        argv = [sys.executable, "-m", "dev.servers.servicebus.server", str(self.port), str(config)]
        self.child = children.start_child(argv, env={"PATH": "", "LANG": "C.UTF-8"}, log=self.log)
        (self.home / "pid").write_text(str(self.child.pid))
        ownership.wait_until_ready(
            NAME, self.child, lambda: ports.is_listening(self.port), log=self.log, timeout=timeout
        )

    def stop(self) -> None:
        """End the process, and all messages with it."""
        if self.child:
            children.stop_children([self.child])

    def erase(self) -> None:
        """Remove the folder of an earlier start."""
        ownership.erase(self.home, self.home / "pid", str(self.home))
